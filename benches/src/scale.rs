//! How long one server takes to boot many machines: a small model, on paper, of which `docs/scale.md` is the page.
//!
//! A machine takes the time that it would take alone, or its share of what all of them wait for: the link, or the
//! processor. Nothing else grows with their number: the server keeps no more for a machine than a socket.

pub mod measure;

use core::fmt::Write as _;

/// Bytes on the wire around the payload of one packet: Ethernet with preamble, check sum and gap (38), IPv4 (20), and
/// TCP with time stamps (32), in frames of 1500 bytes.
const TCP_PAYLOAD: f64 = 1448.0 / 1538.0;
/// The same for TFTP's largest block that fits: UDP (8) and TFTP (4).
const TFTP_PAYLOAD: f64 = 1468.0 / 1538.0;
const TFTP_BLOCK_BYTES: f64 = 1468.0;
const BITS_PER_BYTE: f64 = 8.0;
/// What an idle server has resident, as the lab's row for it measures (13.4 MB, 2.9 of them its own).
const IDLE_MIB: f64 = 13.0;
/// What a download by HTTP takes of the program's memory, at most.
const DOWNLOAD_KIB: f64 = 128.0;
const KIB_PER_MIB: f64 = 1024.0;

/// How bytes reach a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// TCP keeps the link full by itself.
    Http,
    /// As many blocks as the window has, then a wait for the machine.
    Tftp {
        /// Blocks under way.
        window: f64,
        /// From a block to its acknowledgement, in seconds.
        round_trip_s: f64,
    },
}

/// The server and its link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Server {
    /// Bits a second.
    pub link_bit_per_s: f64,
    /// Cores that serve; TFTP uses one.
    pub cores: f64,
    /// Processor seconds for 10⁹ bytes.
    pub cpu_s_per_gb: f64,
}

/// Machines that are switched on together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// How many.
    pub machines: f64,
    /// Bytes that each fetches.
    pub bytes: f64,
    /// Bits a second of each machine's own link.
    pub link_bit_per_s: f64,
    /// How they come.
    pub way: Way,
}

/// What the model says, in seconds from the first byte to the last machine's last one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// If the server's link were all that there is.
    pub link_s: f64,
    /// The same of its processor,
    pub cpu_s: f64,
    /// and of one machine by itself.
    pub alone_s: f64,
}

impl Times {
    /// What it takes: the slowest of them.
    #[must_use]
    pub fn total_s(&self) -> f64 {
        self.link_s.max(self.cpu_s).max(self.alone_s)
    }

    /// Which one that is.
    #[must_use]
    pub fn limit(&self) -> &'static str {
        let total = self.total_s();
        match () {
            () if self.alone_s >= total => "the machine itself",
            () if self.link_s >= total => "the server's link",
            () => "the server's processor",
        }
    }
}

/// How long it takes.
#[must_use]
pub fn times(server: &Server, load: &Load) -> Times {
    let all = load.machines * load.bytes;
    let (payload, cores) = match load.way {
        Way::Http => (TCP_PAYLOAD, server.cores),
        Way::Tftp { .. } => (TFTP_PAYLOAD, 1.0),
    };
    let by_link = |bytes: f64, bit_per_s: f64| bytes * BITS_PER_BYTE / (bit_per_s * payload);
    let own_link_s = by_link(load.bytes, load.link_bit_per_s);
    let waits_s = match load.way {
        Way::Http => 0.0,
        Way::Tftp { window, round_trip_s } => {
            load.bytes / (window * TFTP_BLOCK_BYTES) * round_trip_s
        }
    };
    Times {
        link_s: by_link(all, server.link_bit_per_s),
        cpu_s: all / 1e9 * server.cpu_s_per_gb / cores,
        alone_s: own_link_s.max(waits_s),
    }
}

/// What the server's program has in memory while this many machines fetch, in MiB; files are in the system's cache.
#[must_use]
pub fn memory_mib(machines: f64) -> f64 {
    IDLE_MIB + machines * DOWNLOAD_KIB / KIB_PER_MIB
}

/// An image, and what a machine fetches of it.
const IMAGES: [(&str, f64); 4] = [
    ("Debian's installer: kernel and initrd", 49e6),
    ("a live system: kernel, initrd, 700 MB root", 780e6),
    ("Ubuntu by casper: the whole image", 3e9),
    ("Windows setup: boot.wim", 600e6),
];
const MACHINES: [f64; 4] = [1.0, 40.0, 250.0, 1000.0];
/// By HTTP, as [`measure`] found it (0.13 and 0.14), rounded up; of TFTP it is assumed.
const CPU_S_PER_GB: f64 = 0.15;

/// The tables of the page.
#[must_use]
pub fn tables() -> String {
    let mut text = String::new();
    for (name, bit_per_s) in [("1 Gbit/s", 1e9), ("10 Gbit/s", 1e10)] {
        let server = Server { link_bit_per_s: bit_per_s, cores: 2.0, cpu_s_per_gb: CPU_S_PER_GB };
        let _ = writeln!(text, "Server at {name}, machines at 1 Gbit/s, by HTTP:\n");
        let _ = writeln!(
            text,
            "| what each machine fetches | 1 | 40 | 250 | 1000 |\n|---|---|---|---|---|"
        );
        for (image, bytes) in IMAGES {
            let cell = |machines| {
                let load = Load { machines, bytes, link_bit_per_s: 1e9, way: Way::Http };
                shown(times(&server, &load).total_s())
            };
            let _ = writeln!(text, "| {image} | {} |", MACHINES.map(cell).join(" | "));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "One machine's 49 MB by TFTP, at 1 Gbit/s:\n");
    let _ = writeln!(text, "| window | 0.2 ms | 1 ms | 5 ms |\n|---|---|---|---|");
    let server = Server { link_bit_per_s: 1e9, cores: 2.0, cpu_s_per_gb: CPU_S_PER_GB };
    for window in [1.0, 4.0, 16.0] {
        let cell = |round_trip_s| {
            let way = Way::Tftp { window, round_trip_s };
            let load = Load { machines: 1.0, bytes: 49e6, link_bit_per_s: 1e9, way };
            shown(times(&server, &load).total_s())
        };
        let _ = writeln!(text, "| {window} | {} |", [0.0002, 0.001, 0.005].map(cell).join(" | "));
    }
    text
}

fn shown(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Server = Server { link_bit_per_s: 1e9, cores: 2.0, cpu_s_per_gb: 0.3 };
    const LOAD: Load = Load { machines: 1.0, bytes: 1e9, link_bit_per_s: 1e9, way: Way::Http };

    fn near(seen: f64, wanted: f64) {
        assert!((seen - wanted).abs() < wanted / 100.0, "{seen} is not {wanted}");
    }

    #[test]
    fn the_scarcest_thing_sets_the_time() {
        let one = times(&SERVER, &LOAD);
        near(one.total_s(), 8.497);
        assert_eq!(one.limit(), "the machine itself");
        let forty = times(&SERVER, &Load { machines: 40.0, ..LOAD });
        near(forty.total_s(), 339.9);
        assert_eq!(forty.limit(), "the server's link");
        let fast = Server { link_bit_per_s: 1e11, cores: 1.0, ..SERVER };
        let many = times(&fast, &Load { machines: 1000.0, ..LOAD });
        near(many.total_s(), 300.0);
        assert_eq!(many.limit(), "the server's processor");
    }

    #[test]
    fn a_window_of_one_waits_for_every_block() {
        let tftp = |window, round_trip_s| {
            let way = Way::Tftp { window, round_trip_s };
            times(&SERVER, &Load { bytes: 1.468e6, way, ..LOAD }).total_s()
        };
        near(tftp(1.0, 0.001), 1.0);
        near(tftp(4.0, 0.001), 0.25);
        near(tftp(64.0, 0.0001), 0.0123);
    }

    #[test]
    fn memory_grows_by_downloads_alone() {
        near(memory_mib(0.0), IDLE_MIB);
        near(memory_mib(1000.0) - memory_mib(0.0), 125.0);
    }

    #[test]
    fn the_page_has_the_tables_as_they_are() {
        let page = include_str!("../../docs/scale.md");
        for table in tables().split("\n\n") {
            assert!(page.contains(table.trim_end()), "docs/scale.md lacks\n{table}");
        }
        let (idle, all) = (memory_mib(0.0), memory_mib(1000.0));
        for words in [format!("{idle:.0} MiB resident"), format!("{all:.0} MiB in all")] {
            assert!(page.contains(&words), "docs/scale.md lacks {words:?}");
        }
    }
}
