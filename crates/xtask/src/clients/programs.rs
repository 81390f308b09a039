//! The clients: how each is called, what it asks for, and what it cannot be asked.

use core::net::IpAddr;

use crate::packages::{self, Need};

/// A client program.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) need: &'static Need,
    pub(crate) ways: &'static [Way],
    /// What it has no words for, so that nobody misses it here.
    pub(crate) cannot: &'static str,
}

/// One way of calling it.
#[derive(Debug)]
pub(crate) struct Way {
    /// What it asks for, for a person.
    pub(crate) what: &'static str,
    /// The words in front of [`Client`]'s fixed ones.
    options: &'static [&'static str],
    line: Line,
    /// Bytes in a block by IPv4 and by IPv6, as our server answers on an Ethernet.
    pub(crate) block_bytes: [usize; 2],
    pub(crate) fetches: Fetches,
    /// It sends the files instead (a write request).
    pub(crate) sends: bool,
    /// A word without which the program is too old for this.
    pub(crate) since: Option<&'static str>,
}

/// Which files are fetched, or sent, in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetches {
    /// All, up to the largest.
    All,
    /// All but the largest: blocks so small that it would take minutes, or a way that differs at the start only.
    Small,
    /// The text, which is converted on its way.
    Text,
}

/// Where the server, the name and the output stand among the words.
#[derive(Debug, Clone, Copy)]
enum Line {
    Curl,
    TftpHpa,
    Atftp,
    Busybox,
}

const WAY: Way = Way {
    what: "",
    options: &[],
    line: Line::Curl,
    block_bytes: [512, 512],
    fetches: Fetches::All,
    sends: false,
    since: None,
};
/// What fits an Ethernet frame.
const FULL: [usize; 2] = [1468, 1448];

pub(crate) const CLIENTS: &[Client] = &[
    Client {
        name: "curl",
        need: &packages::CURL,
        ways: &[
            Way { what: "its defaults", ..WAY },
            Way { what: "no options", options: &["--tftp-no-options"], ..WAY },
            Way {
                what: "blocks of 1468",
                options: &["--tftp-blksize", "1468"],
                block_bytes: FULL,
                ..WAY
            },
            Way {
                what: "blocks of 8",
                options: &["--tftp-blksize", "8"],
                block_bytes: [8, 8],
                fetches: Fetches::Small,
                ..WAY
            },
            Way { what: "sending", sends: true, ..WAY },
            Way {
                what: "sending in blocks of 1468",
                options: &["--tftp-blksize", "1468"],
                block_bytes: FULL,
                fetches: Fetches::Small,
                sends: true,
                ..WAY
            },
        ],
        cannot: "it has no windows, and leaves netascii as it travels",
    },
    Client {
        name: "tftp-hpa",
        need: &packages::TFTP_HPA,
        ways: &[
            Way { what: "octets", options: &["-m", "octet"], line: Line::TftpHpa, ..WAY },
            Way {
                what: "netascii, its default",
                line: Line::TftpHpa,
                fetches: Fetches::Text,
                ..WAY
            },
            Way {
                what: "sending octets",
                options: &["-m", "octet"],
                line: Line::TftpHpa,
                sends: true,
                ..WAY
            },
            Way {
                what: "sending netascii",
                line: Line::TftpHpa,
                fetches: Fetches::Text,
                sends: true,
                ..WAY
            },
        ],
        cannot: "version 5 has no options: blocks of 512, no windows",
    },
    Client {
        name: "atftp",
        need: &packages::ATFTP,
        ways: &[
            Way { what: "its defaults", line: Line::Atftp, ..WAY },
            Way {
                what: "blocks of 1428",
                options: &["--option", "blksize 1428"],
                line: Line::Atftp,
                block_bytes: [1428, 1428],
                ..WAY
            },
            Way {
                what: "blocks of 1428 in windows of 8",
                options: &["--option", "blksize 1428", "--option", "windowsize 8"],
                line: Line::Atftp,
                block_bytes: [1428, 1428],
                since: Some("windowsize"),
                ..WAY
            },
            Way {
                what: "size, timeout, and windows of 64",
                options: &[
                    "--option",
                    "tsize 0",
                    "--option",
                    "timeout 2",
                    "--option",
                    "windowsize 64",
                ],
                line: Line::Atftp,
                since: Some("windowsize"),
                ..WAY
            },
            Way {
                what: "netascii",
                options: &["--option", "mode netascii"],
                line: Line::Atftp,
                fetches: Fetches::Text,
                ..WAY
            },
            Way {
                what: "sending in blocks of 1428",
                options: &["--option", "blksize 1428"],
                line: Line::Atftp,
                block_bytes: [1428, 1428],
                fetches: Fetches::Small,
                sends: true,
                ..WAY
            },
        ],
        cannot: "",
    },
    Client {
        name: "busybox",
        need: &packages::BUSYBOX,
        ways: &[
            Way { what: "its defaults", line: Line::Busybox, ..WAY },
            Way {
                what: "blocks of 1468",
                options: &["-b", "1468"],
                line: Line::Busybox,
                block_bytes: FULL,
                ..WAY
            },
            Way {
                what: "blocks of 65464, of which it gets less",
                options: &["-b", "65464"],
                line: Line::Busybox,
                block_bytes: FULL,
                fetches: Fetches::Small,
                ..WAY
            },
            Way {
                what: "sending",
                line: Line::Busybox,
                fetches: Fetches::Small,
                sends: true,
                ..WAY
            },
        ],
        cannot: "it has no windows and no netascii",
    },
];

impl Way {
    pub(crate) fn program(&self) -> &'static str {
        match self.line {
            Line::Curl => "curl",
            Line::TftpHpa => "tftp",
            Line::Atftp => "atftp",
            Line::Busybox => "busybox",
        }
    }

    /// The whole command: `name` is what the server is asked for, or told, `local` where the file goes, or lies.
    pub(crate) fn words(&self, server: IpAddr, name: &str, local: &str) -> Vec<String> {
        let server = server.to_string();
        let url = match server.contains(':') {
            true => format!("tftp://[{server}]/{name}"),
            false => format!("tftp://{server}/{name}"),
        };
        let program = self.program();
        let rest: &[&str] = match (self.line, self.sends) {
            (Line::Curl, false) => &["--output", local, &url],
            (Line::Curl, true) => &["--upload-file", local, &url],
            (Line::TftpHpa, false) => &[&server, "-c", "get", name, local],
            (Line::TftpHpa, true) => &[&server, "-c", "put", local, name],
            (Line::Atftp, sends) => {
                let act = if sends { "--put" } else { "--get" };
                &[act, "--remote-file", name, "--local-file", local, &server, "69"]
            }
            (Line::Busybox, sends) => {
                let act = if sends { "-p" } else { "-g" };
                &[act, "-r", name, "-l", local, &server, "69"]
            }
        };
        let first: &[&str] = match self.line {
            Line::Curl => &[program, "--silent", "--show-error", "--globoff"],
            Line::TftpHpa | Line::Atftp => &[program],
            Line::Busybox => &[program, "tftp"],
        };
        [first, self.options, rest].concat().into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn commands_are_what_a_person_would_type() {
        let by_hand = |client: usize, way: usize, server: IpAddr| {
            CLIENTS[client].ways[way].words(server, "f1", "out").join(" ")
        };
        let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
        assert_eq!(
            by_hand(0, 2, v6),
            "curl --silent --show-error --globoff --tftp-blksize 1468 --output out tftp://[::1]/f1"
        );
        assert_eq!(by_hand(1, 0, v4), "tftp -m octet 127.0.0.1 -c get f1 out");
        assert_eq!(
            by_hand(2, 1, v6),
            "atftp --option blksize 1428 --get --remote-file f1 --local-file out ::1 69"
        );
        assert_eq!(by_hand(3, 1, v4), "busybox tftp -b 1468 -g -r f1 -l out 127.0.0.1 69");
        let sends = |way: &&Way| way.sends;
        let put = CLIENTS.iter().map(|client| {
            let way = client.ways.iter().find(sends).expect("a way to send");
            way.words(v4, "f1", "in").join(" ")
        });
        let by_hand = [
            "curl --silent --show-error --globoff --upload-file in tftp://127.0.0.1/f1",
            "tftp -m octet 127.0.0.1 -c put in f1",
            "atftp --option blksize 1428 --put --remote-file f1 --local-file in 127.0.0.1 69",
            "busybox tftp -p -r f1 -l in 127.0.0.1 69",
        ];
        assert_eq!(put.collect::<Vec<_>>(), by_hand);
    }

    #[test]
    fn every_client_fetches_the_largest_file_in_blocks_of_512() {
        for client in CLIENTS {
            let rolls_over = |way: &&Way| {
                way.fetches == Fetches::All && way.block_bytes == [512, 512] && !way.sends
            };
            assert!(client.ways.iter().any(|way| rolls_over(&way)), "{}", client.name);
        }
    }
}
