//! What a machine would be told to boot, and why: the one decision, asked for a machine that is only described.

use core::net::Ipv4Addr;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pxe_select::{Action, Arch, Asked as Question, Beside, ClientFacts, Firmware, Reason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::edit::{Origin, waiting};
use super::next_boot::Ordered;
use crate::admin::Site;
use crate::admin::problem::{Asked, Problem, Refused, Unfit};
use crate::config::Config;
use crate::overrides::bare;
use crate::promise::{Here, ipxe_features};

const INVENTORY_NOT_ASKED: &str = "the inventory (boot_api), which decides whether this machine boots, and what, was not \
     asked: this is as if there were none. pxe-server explain --arch … --mac … --ask-inventory asks it";

/// A machine, as its DHCP messages would describe it. Everything may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Described {
    /// Its hardware address.
    mac: Option<String>,
    /// Our name for its firmware (`x64-uefi`), or the number of option 93.
    arch: Option<String>,
    /// Option 60; by default what firmware of that kind sends.
    vendor_class: Option<String>,
    /// Option 77.
    user_class: Option<String>,
    /// It runs iPXE with everything that we need.
    ipxe: bool,
    /// The relay that forwards its messages.
    #[schema(value_type = Option<String>)]
    relay: Option<Ipv4Addr>,
    /// Its address.
    #[schema(value_type = Option<String>)]
    address: Option<Ipv4Addr>,
}

/// What it would get.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explained {
    /// `file`, `url`, `script`, `deny` or `hold`.
    action: &'static str,
    /// The file, URL or script; `{server}` stands for our address.
    target: Option<String>,
    /// What it is taken for.
    firmware: Option<String>,
    /// What is ordered for its next boot, which goes before hosts and rules.
    next_boot: Option<Ordered>,
    /// What is wrong with what it would get, or with what its boot program asks for next: a file is missing or for other
    /// machines, or an image cannot boot on it.
    fault: Option<String>,
    /// What was not taken into account.
    note: Option<String>,
    /// Every step of the decision, those that lost included; the last one decided.
    reasons: Vec<String>,
    /// The entries that the reasons name by number, and where they come from.
    entries: Vec<Entry>,
}

/// A host entry or a rule that mattered.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Entry {
    /// `host` or `rule`.
    kind: &'static str,
    /// Its number, as the reasons have it.
    number: usize,
    origin: Origin,
}

impl Entry {
    fn of(reason: &Reason, config: &Config) -> Option<Self> {
        let (kind, index) = match reason {
            Reason::HostDoesNotBoot { host }
            | Reason::HostNamesLoader { host }
            | Reason::HostLoaderNotForIpxe { host }
            | Reason::HostNamesFolder { host } => ("host", usize::try_from(*host).ok()?),
            Reason::RuleMatched { rule, .. } => ("rule", usize::from(*rule)),
            _ => return None,
        };
        let origin = match kind {
            "host" => Origin::of_host(config.hosts.get(index)?),
            _ => Origin::of_rule(config.rules.get(index)?),
        };
        Some(Self { kind, number: index + 1, origin })
    }
}

/// What a described machine would be told to boot, and why
///
/// Nothing is sent and nothing remembered.
#[utoipa::path(
    post, operation_id = "explain", path = "/api/v1/explain", tag = "machines",
    request_body = Described,
    responses(
        (status = 200, body = Explained), Refused, Unfit
    )
)]
pub(super) async fn explain(
    State(site): State<Site>,
    Asked(described): Asked<Described>,
) -> Result<Json<Explained>, Problem> {
    // Files and images are looked at.
    waiting(move || explained(&site, &described)).await.map(Json)
}

fn explained(site: &Site, described: &Described) -> Result<Explained, Problem> {
    let mac = described.mac.as_deref().map(mac).transpose()?;
    let (arch, is_http) = described.arch.as_deref().map(arch).transpose()?.unzip();
    let class = described.vendor_class.clone().or_else(|| {
        let name = if is_http == Some(true) { "HTTPClient" } else { "PXEClient" };
        arch.map(|arch: Arch| format!("{name}:Arch:{:05}:UNDI:003000", arch.0))
    });
    let user_class = match &described.user_class {
        None if described.ipxe => Some("iPXE"),
        class => class.as_deref(),
    };
    let archs: Vec<Arch> = arch.into_iter().collect();
    let hardware_address = mac.as_ref().map_or(&[][..], |mac| &mac[..]);
    let mut facts = ClientFacts::new(hardware_address);
    facts.archs = &archs;
    facts.vendor_class = class.as_deref().map(str::as_bytes);
    facts.user_class = user_class.map(str::as_bytes);
    facts.ipxe = described.ipxe.then(ipxe_features);
    (facts.relay, facts.address) = (described.relay, described.address);
    let shared = &site.parts.shared;
    let policy = shared.policy();
    let order = mac.and_then(|mac| Some((mac, shared.orders().standing(mac)?)));
    let next_boot = order.as_ref().map(|(_, order)| &order.boots);
    let beside = Beside::new(next_boot);
    facts.ram_disk = shared.ram_disk(&policy, hardware_address, beside);
    let decision = policy.decide_beside(&facts, beside, Question::BootFile);
    let config = site.parts.in_use.config();
    let here = Here {
        finder: &site.parts.finder,
        root: &config.root,
        tftp_port: config.tftp.port,
        policy: &policy,
        beside,
    };
    let mut entries: Vec<Entry> =
        decision.reasons.iter().filter_map(|reason| Entry::of(reason, &config)).collect();
    entries.dedup();
    let asks = config.boot_api.is_some() && policy.leaves_open(hardware_address);
    Ok(Explained {
        action: match decision.action {
            Action::File { .. } => "file",
            Action::Url(_) => "url",
            Action::Script { .. } => "script",
            Action::Deny => "deny",
            Action::Hold => "hold",
        },
        target: decision.action.target().map(std::borrow::Cow::into_owned),
        firmware: decision.identity.firmware.map(|firmware| firmware.to_string()),
        fault: here.boot_fault(&facts, &decision),
        note: asks.then(|| INVENTORY_NOT_ASKED.to_owned()),
        reasons: decision.reasons.iter().map(ToString::to_string).collect(),
        entries,
        next_boot: order.clone().map(Ordered::of),
    })
}

fn mac(text: &str) -> Result<[u8; 6], Problem> {
    let digits = bare(text);
    let byte = |index: usize| {
        let pair = digits.get(2 * index..2 * index + 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes: Option<Vec<u8>> = (0..6).map(byte).collect();
    let is_one = digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bytes = bytes.filter(|_| is_one).and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
    bytes.ok_or_else(|| {
        let why = format!("{text:?} is no hardware address like 52:54:00:aa:00:01");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why)
    })
}

/// The number of option 93, and whether it boots by HTTP.
fn arch(text: &str) -> Result<(Arch, bool), Problem> {
    if let Ok(number) = text.parse() {
        let arch = Arch(number);
        return Ok((arch, arch.firmware().is_some_and(Firmware::is_http)));
    }
    let known = (0..=u16::from(u8::MAX)).map(Arch);
    let known = known.filter_map(|arch| Some((arch, arch.firmware()?)));
    let mut known = known.filter(|(_, firmware)| firmware.name() == text);
    known.next().map(|(arch, firmware)| (arch, firmware.is_http())).ok_or_else(|| {
        let why = format!("{text:?} is no firmware that has a number in option 93");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why)
    })
}
