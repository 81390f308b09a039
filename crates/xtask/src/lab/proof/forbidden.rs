//! What must not happen, whatever comes after it.

use super::{Naming, Seat, fetched};
use crate::lab::evidence::{Evidence, base_name};
use crate::lab::packets::{ACK, NAK, OFFER};
use crate::lab::wire::SERVER_ADDRESS;

/// What no machine may see: an address or a refusal from our proxy, anything from a server of ours
/// that only listens, another machine's program, and a boot file by anybody who should name none.
pub(super) fn forbidden(seat: &Seat, naming: Naming, evidence: &Evidence) -> Option<String> {
    for message in evidence.dhcp.iter().filter(|message| message.is_reply) {
        let speaker = message.server.unwrap_or_else(|| *message.source.ip());
        let ours = speaker == SERVER_ADDRESS || *message.source.ip() == SERVER_ADDRESS;
        if ours && naming.by != SERVER_ADDRESS {
            return Some(format!("our server only listens, and sent DHCP from {}", message.source));
        }
        if let Some([first, last]) = naming.gives {
            let promises = matches!(message.message_type, OFFER | ACK);
            if !ours || message.message_type == NAK {
                return Some(format!("{speaker} sent message type {}", message.message_type));
            }
            if promises && !(first..=last).contains(&message.your_address) {
                return Some(format!("our server gave out {}", message.your_address));
            }
        }
        let proxy = ours && naming.bait.is_none() && naming.gives.is_none();
        if proxy && !message.your_address.is_unspecified() && message.message_type == OFFER {
            return Some(format!("our proxy gave out the address {}", message.your_address));
        }
        if proxy && message.message_type == NAK {
            return Some("our proxy sent a NAK".to_owned());
        }
        if speaker != naming.by && !message.file.is_empty() {
            return Some(format!("a file was named by {speaker}, not by {}", naming.by));
        }
    }
    let name = naming.bait.unwrap_or(seat.loader.name);
    let first_loader = fetched(evidence, name).and_then(|loader| loader.completed);
    let other = evidence.dhcp.iter().find(|message| {
        message.is_reply
            && first_loader.is_none_or(|done| message.at <= done)
            && !message.file.is_empty()
            && base_name(&message.file) != name.as_bytes()
    });
    if let Some(message) = other {
        let file = String::from_utf8_lossy(&message.file);
        return Some(format!("{} was told to boot {file}", seat.machine.name()));
    }
    evidence.completed().find_map(|transfer| {
        let machine = transfer.coff_machine()?;
        (seat.machine.coff_machine() != Some(machine)).then(|| {
            let name = String::from_utf8_lossy(&transfer.name);
            format!("{} got {name}, a program for machine {machine:#06x}", seat.machine.name())
        })
    })
}
