//! A described machine, put to the one decision and to the real engine in every mode.

use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pxe_dhcp::MessageType;
use pxe_dhcp::MessageView;
use pxe_select::{Action, Asked, Asker, Beside, Generated, Ipxe, Policy, names};
use serde::Serialize;

use super::ExplainOptions;
use super::here;
use super::inventory::{Consulted, Word};
use super::machine::Described;
use crate::config::{Config, DhcpMode, Faults};
use crate::content::{Images, ImagesAsked, Loaders};
use crate::engine::{self, ClientId, facts_of_message, printable, reason_lines};
use crate::next_boot::{NextBoots, Pending};
use crate::policy;
use crate::promise::Here;
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
    /// What the inventory says, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory: Option<Consulted>,
    /// What this explanation could not take into account.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// The file, script or URL; none if it gets nothing.
    gets: Option<String>,
    /// What is wrong with that file or with what comes after it: it is not there, or for other machines; nothing that its
    /// menu has boots this one.
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
    let word = Word::of(config, &policy, machine.mac, options.ask_inventory)?;
    let (mut explanation, images) =
        decided(options, config, &loaders, &policy, (&machine, us, &word))?;
    if options.ask.is_none() {
        let places = (us, machine.relay.unwrap_or(us));
        for mode in MODES {
            let told = in_mode(config, mode, (&loaders, &images), (&machine, &word), places);
            explanation.modes.push(told.map_err(faults)?);
        }
    }
    explanation.inventory = word.consulted;
    if options.json {
        let text = serde_json::to_string_pretty(&explanation).map_err(|error| error.to_string())?;
        return Ok(text + "\n");
    }
    let mut said = text(&explanation, config.dhcp.mode);
    if config.advertise.is_none() && options.ask.is_none() {
        let _ = writeln!(
            said,
            "\n{US} stands for this server, which answers from the interface that is asked; {MACHINE} for the machine"
        );
    }
    Ok(said)
}

/// The one decision, and whether it can be kept.
fn decided(
    options: &ExplainOptions,
    config: &Config,
    loaders: &Loaders,
    policy: &Policy,
    (machine, us, word): (&Described, Ipv4Addr, &Word),
) -> Result<(Explanation, Arc<Images>), String> {
    let discover = machine.message(MessageType::DISCOVER, Ipv4Addr::UNSPECIFIED);
    let view = MessageView::parse(&discover).map_err(|error| error.to_string())?;
    let address = options.ask.is_some().then_some(MACHINE);
    let owned = facts_of_message(&view, us, address);
    let asked = options.ask.as_deref().map_or(Asked::BootFile, |name| Asked::Name(name.as_bytes()));
    let orders = NextBoots::new(config);
    let order = orders.get(machine.mac);
    let next_boot = order.as_ref().map(|order| &order.boots);
    let beside = Beside::new(next_boot).with_inventory(word.target());
    let mut facts = owned.as_facts();
    facts.inventory = word.as_fact();
    if let Some(image) = policy.image_of(&machine.mac, beside) {
        facts.ram_disk =
            engine::Images::ram_disk(&ImagesAsked(Images::new(config.images.clone())), image);
    }
    let decision = policy.decide_beside(&facts, beside, asked);
    let firmware = decision.identity.firmware;
    let finder = here::finder(config, loaders, policy, (machine.mac, beside), firmware);
    let faults = |list| Faults { file: config.file.clone(), list }.to_string();
    let (finder, images) = finder.map_err(faults)?;
    let (root, tftp_port) = (&*config.root, config.tftp.port);
    let here = Here { finder: &finder, root, tftp_port, policy, beside };
    let explanation = Explanation {
        machine: format!("{}, class {}", machine_name(machine), machine.class),
        firmware: firmware.map(|firmware| firmware.to_string()),
        ipxe: decision.identity.ipxe != Ipxe::Absent,
        next_boot: order.as_ref().map(Pending::of),
        inventory: None,
        note: orders.unreadable(),
        gets: named(&decision.action, us),
        fault: match options.ask {
            None => here.boot_fault(&facts, &decision),
            Some(_) => here.file_fault(&facts, &decision),
        },
        reasons: reason_lines(&decision.reasons),
        modes: Vec::new(),
    };
    Ok((explanation, images))
}

/// What a machine gets, as it is told it.
fn named(action: &Action<'_>, us: Ipv4Addr) -> Option<String> {
    let target = match action {
        Action::Script { generated: Some(Generated::MachineScript(mac)), .. } => {
            names::machine_script_name(*mac).into()
        }
        other => other.target()?,
    };
    Some(printable(target.replace("{server}", &us.to_string()).as_bytes()))
}

fn machine_name(machine: &Described) -> String {
    let relay = machine.relay.map(|relay| format!(" behind relay {relay}")).unwrap_or_default();
    format!("{}{relay}, architecture {}", ClientId::Mac(machine.mac), machine.arch)
}

/// What the server would do in one mode about its DISCOVER, and what comes next there.
fn in_mode(
    config: &Config,
    mode: DhcpMode,
    has: (&Loaders, &Arc<Images>),
    (machine, word): (&Described, &Word),
    (us, link): (Ipv4Addr, Ipv4Addr),
) -> Result<InMode, Vec<crate::config::Fault>> {
    let now = Instant::now();
    let mut server = Rehearsal::new(config, mode, has, (us, link), (now, unix_ms()))?;
    if let (Some(answer), Some(api)) = (&word.answer, &config.boot_api) {
        server.set_inventory(api.cache, machine.mac, answer.clone());
    }
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
    if let Some(consulted) = &explanation.inventory {
        let _ = writeln!(text, "inventory {consulted}");
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
