//! A described machine, put to the one decision and to the real engine in every mode.

use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use pxe_dhcp::MessageType;
use pxe_dhcp::MessageView;
use pxe_select::{Asked, Asker, Beside, Ipxe};
use serde::Serialize;

use super::ExplainOptions;
use super::machine::Described;
use super::there;
use crate::config::{Config, DhcpMode, Faults};
use crate::content::Loaders;
use crate::engine::{ClientId, facts_of_message, printable, reason_lines};
use crate::next_boot::{NextBoots, Pending};
use crate::policy;
use crate::rehearse::{Answer, MODES, Reaction, Rehearsal};
use crate::state::unix_ms;

/// Our address where no interface is asked (TEST-NET-1, RFC 5737), and the machine's.
const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const MACHINE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);

/// What is explained.
#[derive(Serialize)]
struct Explanation {
    machine: String,
    firmware: Option<String>,
    ipxe: bool,
    /// What is ordered for its next boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_boot: Option<Pending>,
    /// What this explanation could not take into account.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// The file, script or URL; none if it gets nothing.
    gets: Option<String>,
    /// What is wrong with that file: it is not there, or for other machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// How it came about, what lost included; the last one decided.
    reasons: Vec<String>,
    modes: Vec<InMode>,
}

#[derive(Serialize)]
struct InMode {
    mode: String,
    note: Option<String>,
    sends: Vec<Answer>,
    story: Vec<String>,
}

/// The text for `explain --arch …`.
pub(super) fn explain(options: &ExplainOptions, config: &Config) -> Result<String, String> {
    let machine = Described::new(options)?;
    let loaders = Loaders::search(config);
    let faults = |list| Faults { file: config.file.clone(), list }.to_string();
    let policy = policy::build(config, &loaders).map_err(faults)?;
    let us = config.advertise.unwrap_or(US);
    let link = machine.relay.unwrap_or(us);
    let discover = machine.message(MessageType::DISCOVER, Ipv4Addr::UNSPECIFIED);
    let view = MessageView::parse(&discover).map_err(|error| error.to_string())?;
    let address = options.ask.is_some().then_some(MACHINE);
    let facts = facts_of_message(&view, us, address);
    let asked = options.ask.as_deref().map_or(Asked::BootFile, |name| Asked::Name(name.as_bytes()));
    let orders = NextBoots::new(config);
    let order = orders.get(machine.mac);
    let beside = Beside::new(order.as_ref().map(|order| &order.boots));
    let decision = policy.decide_beside(&facts.as_facts(), beside, asked);
    let mut explanation = Explanation {
        machine: format!("{}, class {}", machine_name(&machine), machine.class),
        firmware: decision.identity.firmware.map(|firmware| firmware.to_string()),
        ipxe: decision.identity.ipxe != Ipxe::Absent,
        next_boot: order.as_ref().map(Pending::of),
        note: orders.unreadable(),
        gets: decision
            .action
            .target()
            .map(|target| printable(target.replace("{server}", &us.to_string()).as_bytes())),
        fault: there::fault(config, &loaders, decision.identity.firmware, &decision.action),
        reasons: reason_lines(&decision.reasons),
        modes: Vec::new(),
    };
    if options.ask.is_none() {
        for mode in MODES {
            explanation
                .modes
                .push(in_mode(config, mode, &loaders, &machine, (us, link)).map_err(faults)?);
        }
    }
    if options.json {
        let text = serde_json::to_string_pretty(&explanation).map_err(|error| error.to_string())?;
        return Ok(text + "\n");
    }
    Ok(text(&explanation, config.dhcp.mode))
}

fn machine_name(machine: &Described) -> String {
    let relay = machine.relay.map(|relay| format!(" behind relay {relay}")).unwrap_or_default();
    format!("{}{relay}, architecture {}", ClientId::Mac(machine.mac), machine.arch)
}

/// What the server would do in one mode about its DISCOVER, and what comes next there.
fn in_mode(
    config: &Config,
    mode: DhcpMode,
    loaders: &Loaders,
    machine: &Described,
    (us, link): (Ipv4Addr, Ipv4Addr),
) -> Result<InMode, Vec<crate::config::Fault>> {
    let now = Instant::now();
    let mut server = Rehearsal::new(config, mode, loaders, (us, link), (now, unix_ms()))?;
    let source = match machine.relay {
        Some(relay) => SocketAddr::from((relay, 67)),
        None => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 68)),
    };
    let is_relayed = machine.relay.is_some();
    let discover = machine.message(MessageType::DISCOVER, Ipv4Addr::UNSPECIFIED);
    let Reaction { mut answers, mut story } =
        server.take_dhcp(now, source, 67, is_relayed, &discover);
    let late = server.pass(now + Duration::from_secs(2));
    answers.extend(late.answers);
    story.extend(late.story);
    let mut note = None;
    match mode {
        DhcpMode::Proxy if !answers.is_empty() => {
            let request = machine.message(MessageType::REQUEST, MACHINE);
            let source = SocketAddr::from((MACHINE, 68));
            let asked = server.take_dhcp(now, source, 4011, true, &request);
            answers.extend(asked.answers);
        }
        DhcpMode::Server if server.invents_subnet => {
            note = Some("with a [[dhcp.subnet]]; the address is made up".to_owned());
        }
        DhcpMode::Observe | DhcpMode::Off => {
            let asker = if machine.ipxe { Asker::Ipxe } else { Asker::Unknown };
            // In `observe` the message was heard, and so was which address the machine takes.
            if mode == DhcpMode::Observe {
                let request = machine.message(MessageType::REQUEST, MACHINE);
                server.take_dhcp(now, SocketAddr::from((MACHINE, 68)), 67, true, &request);
            }
            story.push(server.ask(now, IpAddr::V4(MACHINE), asker, b"pxe-loader"));
        }
        _ => {}
    }
    Ok(InMode { mode: mode.to_string(), note, sends: answers, story })
}

fn text(explanation: &Explanation, own: DhcpMode) -> String {
    let mut text = String::new();
    let firmware = explanation.firmware.as_deref().unwrap_or("unknown firmware");
    let runs = if explanation.ipxe { ", running iPXE" } else { "" };
    let _ = writeln!(text, "machine   {}", explanation.machine);
    let _ = writeln!(text, "taken for {firmware}{runs}");
    if let Some(order) = &explanation.next_boot {
        let _ = writeln!(text, "ordered   for its next boot: {order}");
    }
    if let Some(note) = &explanation.note {
        let _ = writeln!(text, "note      {note}");
    }
    let gets = explanation.gets.as_deref().unwrap_or("nothing");
    let _ = writeln!(text, "gets      {gets}");
    if let Some(fault) = &explanation.fault {
        let _ = writeln!(text, "but     ! {fault}");
    }
    for (index, reason) in explanation.reasons.iter().enumerate() {
        let name = if index == 0 { "because" } else { "" };
        let _ = writeln!(text, "{name:<9} - {reason}");
    }
    for mode in &explanation.modes {
        let is_own = if mode.mode == own.to_string() { " (as configured)" } else { "" };
        let note = mode.note.as_deref().map(|note| format!(", {note}")).unwrap_or_default();
        let _ = writeln!(text, "\nin {} mode{is_own}{note}", mode.mode);
        if mode.sends.is_empty() {
            let _ = writeln!(text, "  sends nothing by DHCP");
        }
        for answer in &mode.sends {
            let _ = writeln!(text, "  {} from {} to {}", answer.what, answer.from, answer.to);
            for field in &answer.fields {
                let _ = writeln!(text, "      {:<24} {}", field.name, field.value);
            }
        }
        for line in &mode.story {
            let _ = writeln!(text, "  story: {line}");
        }
    }
    text
}
