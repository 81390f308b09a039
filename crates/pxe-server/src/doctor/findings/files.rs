//! What came of asking for the files.

use core::net::SocketAddrV4;

use super::{Finding, merge};
use crate::diagnose::{self, Observed, Read};
use crate::doctor::facts::{Facts, Fetched, Outcome, not_for};

/// What firmware carries everywhere, in bytes of an IP packet.
const ETHERNET_MTU: u32 = 1_500;
/// Seconds of silence behind a question: the machine would have given up.
const SILENT_FOR: f64 = 10.0;

pub(super) fn look(facts: &Facts, list: &mut Vec<Finding>) {
    for file in &facts.files {
        for mut finding in of_file(file) {
            finding.firmware = told(facts, file);
            let what = finding.what.clone();
            merge(list, finding, |other| other.what == what);
        }
        wrong_program(facts, file, list);
    }
    for segment in &facts.segments {
        let Some(mtu) = segment.mtu.filter(|mtu| *mtu < ETHERNET_MTU) else { continue };
        let what = format!(
            "{} carries packets of {mtu} bytes at most, and boot programs ask for blocks that fill {ETHERNET_MTU}",
            segment.interface
        );
        let advice = format!(
            "Where machines stop in the middle of a file, set tftp.block_size_max = {} at the boot server.",
            mtu.saturating_sub(32)
        );
        list.push(Finding::note("mtu-small", what, advice));
    }
}

/// Names of those who were told to fetch it.
fn told(facts: &Facts, file: &Fetched) -> Vec<String> {
    let names = file.told.iter().filter_map(|(segment, question)| {
        Some(facts.segments.get(*segment)?.questions.get(*question)?.name())
    });
    let mut names: Vec<String> = names.collect();
    names.dedup();
    names
}

fn of_file(file: &Fetched) -> Vec<Finding> {
    if let Some(bait) = &file.bait
        && !matches!(file.outcome, Outcome::Delivered { .. } | Outcome::Stalled { .. })
    {
        return vec![nobody_listens(file, bait)];
    }
    let server = file.server.parse().ok();
    let read = |outcome| {
        let (name, http) = (file.file.clone(), file.http);
        let read = server.map(|server| Read { at: 0.0, server, file: name, http, outcome });
        Observed { reads: read.into_iter().collect(), end: SILENT_FOR, ..Observed::default() }
    };
    let seen = match &file.outcome {
        Outcome::Delivered { .. } | Outcome::NotTried(_) => return Vec::new(),
        Outcome::Stalled { block_size, small_works } => {
            return vec![stalled(file, *block_size, *small_works)];
        }
        Outcome::Closed => {
            let port = if file.http { 80 } else { 69 };
            let socket = file.server.parse().ok();
            let socket = socket.or_else(|| server.map(|server| SocketAddrV4::new(server, port)));
            Observed { closed: socket.into_iter().collect(), ..Observed::default() }
        }
        Outcome::Silent => read(diagnose::Outcome::Silence),
        Outcome::Refused(code, text) => read(diagnose::Outcome::Refused(*code, text.clone())),
    };
    let known: Vec<Finding> = diagnose::findings(&seen).into_iter().map(Finding::from).collect();
    // A server by its name, or with a port, has no address of its own to be told by.
    if known.is_empty() { vec![by_name(file)] } else { known }
}

fn by_name(file: &Fetched) -> Finding {
    let Fetched { server, file: name, .. } = file;
    match &file.outcome {
        Outcome::Closed => Finding::fault(
            "port-closed",
            format!("{server} says that its port is closed, and was to give {name}"),
            "Start the server that should listen there, or open the port in its firewall.",
        ),
        Outcome::Refused(code, text) => Finding::fault(
            "file-refused",
            format!("{server} refused {name}: {code} {text}"),
            "See that the file is there under this very name, and that the server may read it.",
        ),
        _ => Finding::fault(
            "file-silence",
            format!("{server} was asked for {name} and never answered"),
            "See that the server runs and that its port is open.",
        ),
    }
}

fn nobody_listens(file: &Fetched, bait: &str) -> Finding {
    let why = match &file.outcome {
        Outcome::Closed => "its port is closed".to_owned(),
        Outcome::Refused(code, text) => format!("it refuses {}: {code} {text}", file.file),
        _ => "nothing answers".to_owned(),
    };
    Finding::fault(
        "bait-nobody-listens",
        format!(
            "machines are told to fetch the bait {bait} from {}, and no pxe-server gives it there: {why}",
            file.server
        ),
        format!(
            "Start pxe-server on {} in observe mode, or take the name out of the DHCP server.",
            file.server
        ),
    )
}

fn stalled(file: &Fetched, block: u16, small_works: bool) -> Finding {
    let Fetched { server, file: name, .. } = file;
    if small_works {
        return Finding::fault(
            "mtu-too-small",
            format!(
                "blocks of {block} bytes of {name} from {server} do not arrive, and blocks of 512 do: something on \
                 the way carries smaller packets (MTU) than both ends"
            ),
            "Set the same MTU on every switch, tunnel and interface between, or lower tftp.block_size_max there.",
        );
    }
    Finding::fault(
        "transfer-stalls",
        format!("{server} answers the request for {name}, and none of its blocks arrive"),
        "TFTP answers from another port for each transfer: let UDP through to and from every port of that server.",
    )
}

/// Programs for other machines, by what is in them; told by name, they are told once.
fn wrong_program(facts: &Facts, file: &Fetched, list: &mut Vec<Finding>) {
    let Some(program) = file.program else { return };
    for (segment, question) in &file.told {
        let Some(segment) = facts.segments.get(*segment) else { continue };
        let Some(asked) = segment.questions.get(*question) else { continue };
        if asked.ipxe {
            continue;
        }
        let Some(what) = not_for(program, asked.firmware, &file.file) else { continue };
        let is_known = list.iter().any(|known| {
            known.id == "wrong-architecture"
                && known.firmware.contains(&asked.name())
                && known.what.contains(&file.file)
        });
        if is_known {
            continue;
        }
        let firmware = asked.firmware;
        let start = format!("{} of {} is {what}", file.file, file.server);
        let finding = Finding::fault(
            "wrong-architecture",
            format!("{start}, and is named to {firmware}"),
            "Put a program for this firmware there, or name another: [loaders], a rule, or at the DHCP server.",
        );
        merge(list, finding.of(asked.name()), |other| other.what.starts_with(&start));
    }
}
