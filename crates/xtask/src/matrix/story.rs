//! What the server told of the boots of a row, and what we tell of them.

use crate::error::{Result, fail};
use crate::lab::proof::{Proof, Seat};
use crate::lab::server::message;
use crate::lab::stage::Boot;
use crate::lab::topology::Topology;
use crate::lab::vm::mac_text;

/// The server's log must tell each machine's boot, in order.
pub(super) fn check_story(story: &[String], topology: &Topology, seats: &[Seat]) -> Result<()> {
    for seat in seats {
        let mac = mac_text(seat.machine.hardware_address());
        let naming = topology.naming(seat.machine);
        let named = match naming.bait {
            None => format!("{mac} offered "),
            Some(bait) => format!("{mac} asked {bait}: "),
        };
        let given = naming.gives.map(|_| format!("{mac} acknowledged "));
        let fetched = [format!("{mac} requested "), format!("{mac} delivered ")];
        let mut lines = story.iter().map(|line| message(line));
        for wanted in [named].into_iter().chain(given).chain(fetched) {
            let told =
                lines.any(|line| line.starts_with(&wanted) && line.contains(seat.loader.name));
            if !told {
                let log = story.join("\n    ");
                let name = seat.loader.name;
                return fail(format!("the log does not tell `{wanted}{name}`:\n    {log}"));
            }
        }
    }
    Ok(())
}

/// A line about each machine: what it ran, and after how long.
pub(super) fn summary(seats: &[Seat], boots: &[Boot]) -> String {
    let each = seats.iter().zip(boots).map(|(seat, boot)| {
        let Boot { proof, took, power_cycles } = boot;
        let machine = seat.machine.name();
        let seconds = took.as_secs_f32();
        let again = match power_cycles {
            0 => String::new(),
            count => format!(" of power-on {}", count + 1),
        };
        let Proof { file, bytes, .. } = proof;
        format!("{machine}: {file}, {bytes} bytes, ran after {seconds:.1} s{again}")
    });
    each.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::rows::X64_SEAT;

    #[test]
    fn a_story_out_of_order_or_for_somebody_else_is_not_told() {
        let seat = [X64_SEAT];
        let line = |mac: &str, what: &str| format!("52:54:00:aa:00:{mac} {what} ipxe.efi");
        let order = |mac, words: [&str; 3]| words.map(|word| line(mac, word)).to_vec();
        let told = |story: Vec<String>| check_story(&story, &Topology::PROXY, &seat).is_ok();
        assert!(told(order("02", ["offered", "requested", "delivered"])));
        assert!(!told(order("02", ["requested", "offered", "delivered"])));
        assert!(!told(order("03", ["offered", "requested", "delivered"])));
        let baited = order("02", ["asked pxe-loader:", "requested", "delivered"]);
        assert!(check_story(&baited, &Topology::OBSERVE, &seat).is_ok());
        assert!(check_story(&baited, &Topology::SUFFIXES, &seat).is_err(), "another bait");
        let given = order("02", ["offered 10.77.0.100 and", "requested", "delivered"]);
        assert!(check_story(&given, &Topology::SERVER, &seat).is_err(), "never acknowledged");
        let acknowledged = line("02", "acknowledged 10.77.0.100 for 12 h, and");
        let given = [&given[..1], &[acknowledged], &given[1..]].concat();
        assert!(check_story(&given, &Topology::SERVER, &seat).is_ok());
    }
}
