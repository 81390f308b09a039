//! Answers to the options that known clients send, and to odd ones.

use pxe_tftp::{Mode, NegotiationLimits, Packet, RequestView, negotiate};

const SIZE: u64 = 850_528;

/// `|` stands for NUL, as in the reference of fingerprints.
fn wire(text: &str) -> Vec<u8> {
    text.bytes().map(|byte| if byte == b'|' { 0 } else { byte }).collect()
}

fn with_request<T>(tail: &str, run: impl FnOnce(RequestView<'_>) -> T) -> T {
    let datagram = [b"\0\x01f\0", &wire(tail)[..]].concat();
    match Packet::parse(&datagram) {
        Ok(Packet::ReadRequest(request)) => run(request),
        other => panic!("{tail}: {other:?}"),
    }
}

fn answer(tail: &str, size: u64, limits: &NegotiationLimits) -> (Option<String>, u16, u16) {
    with_request(tail, |request| {
        let negotiated = negotiate(request.options(), request.mode(), size, limits);
        let text = negotiated.option_ack().map(|datagram| {
            assert_eq!(&datagram[..2], b"\0\x06");
            String::from_utf8(datagram[2..].to_vec()).unwrap().replace('\0', "|")
        });
        (text, negotiated.block_size, negotiated.window_size)
    })
}

/// As a server on an Ethernet has them.
fn ethernet() -> NegotiationLimits {
    let mut limits = NegotiationLimits::default();
    limits.block_size_max = 1468;
    limits
}

/// Request behind the file name, OACK behind the opcode ("" for DATA 1), block size and window used.
type Row = (&'static str, &'static str, &'static str, u16, u16);

const KNOWN_CLIENTS: [Row; 24] = [
    (
        "EDK2 probe",
        "octet|tsize|0|blksize|1468|windowsize|4|",
        "tsize|850528|blksize|1468|windowsize|4|",
        1468,
        4,
    ),
    ("EDK2 read", "octet|blksize|1468|windowsize|4|", "blksize|1468|windowsize|4|", 1468, 4),
    (
        "EDK2 IPv6",
        "octet|tsize|0|blksize|1228|windowsize|4|",
        "tsize|850528|blksize|1228|windowsize|4|",
        1228,
        4,
    ),
    ("older EDK2 probe", "octet|tsize|0|blksize|1468|", "tsize|850528|blksize|1468|", 1468, 1),
    ("older EDK2 read", "octet|blksize|1468|", "blksize|1468|", 1468, 1),
    (
        "EDK2 built for large blocks",
        "octet|tsize|0|blksize|65464|",
        "tsize|850528|blksize|1468|",
        1468,
        1,
    ),
    ("EDK2 shell", "octet|tsize|0|", "tsize|850528|", 512, 1),
    ("shim", "octet|blksize|512|windowsize|4|", "blksize|512|windowsize|4|", 512, 4),
    ("iPXE", "octet|blksize|1432|tsize|0|", "blksize|1432|tsize|850528|", 1432, 1),
    ("iPXE tftm", "octet|blksize|1432|tsize|0|multicast||", "blksize|1432|tsize|850528|", 1432, 1),
    ("Intel ROM probe", "octet|tsize|0|", "tsize|850528|", 512, 1),
    ("Intel ROM read", "octet|blksize|1456|", "blksize|1456|", 1456, 1),
    ("GRUB", "octet|blksize|1024|tsize|0|", "blksize|1024|tsize|850528|", 1024, 1),
    ("PXELINUX", "octet|tsize|0|blksize|1408|", "tsize|850528|blksize|1408|", 1408, 1),
    (
        "U-Boot",
        "octet|timeout|5|tsize|0|blksize|1468|windowsize|8|",
        "timeout|5|tsize|850528|blksize|1468|windowsize|8|",
        1468,
        8,
    ),
    ("U-Boot lwIP", "octet|tsize|0|blksize|1468|", "tsize|850528|blksize|1468|", 1468, 1),
    (
        "Windows",
        "octet|tsize|0|blksize|1456|windowsize|4|msftwindow|31416|",
        "tsize|850528|blksize|1456|windowsize|4|",
        1456,
        4,
    ),
    ("Raspberry Pi 4", "octet|tsize|0|blksize|1024|", "tsize|850528|blksize|1024|", 1024, 1),
    ("curl", "octet|tsize|0|blksize|512|timeout|6|", "tsize|850528|blksize|512|timeout|6|", 512, 1),
    (
        "curl --use-ascii",
        "netascii|tsize|0|blksize|512|timeout|6|",
        "blksize|512|timeout|6|",
        512,
        1,
    ),
    ("tftp-hpa 5.2", "netascii|", "", 512, 1),
    ("busybox -b", "octet|blksize|1468|tsize|0|", "blksize|1468|tsize|850528|", 1468, 1),
    (
        "atftp",
        "octet|tsize|0|timeout|5|blksize|8|windowsize|1|",
        "tsize|850528|timeout|5|blksize|8|windowsize|1|",
        8,
        1,
    ),
    ("u-root", "octet|blksize|1450|windowsize|64|", "blksize|1450|windowsize|64|", 1450, 64),
];

#[test]
fn every_known_client() {
    for (client, tail, oack, block_size, window_size) in KNOWN_CLIENTS {
        let expected =
            (Some(oack.to_owned()).filter(|oack| !oack.is_empty()), block_size, window_size);
        assert_eq!(answer(tail, SIZE, &ethernet()), expected, "{client}");
    }
}

#[test]
fn odd_requests() {
    let table: [Row; 12] = [
        ("spelling is kept", "OCTET|BlkSize|1024|TSIZE|0|", "BlkSize|1024|TSIZE|850528|", 1024, 1),
        ("first of a repetition", "octet|blksize|600|blksize|900|", "blksize|600|", 600, 1),
        ("too small", "octet|blksize|7|", "", 512, 1),
        ("beyond the registry", "octet|blksize|65465|", "blksize|1468|", 1468, 1),
        ("no number", "octet|blksize|big|tsize|0|", "tsize|850528|", 512, 1),
        ("sign", "octet|blksize|+512|windowsize|-1|", "", 512, 1),
        ("empty value", "octet|tsize||blksize|1024|", "blksize|1024|", 1024, 1),
        ("timeout out of range", "octet|timeout|0|", "", 512, 1),
        ("timeout too large", "octet|timeout|256|", "", 512, 1),
        ("window of nothing", "octet|windowsize|0|", "", 512, 1),
        ("window beyond 16 bits", "octet|windowsize|99999|", "windowsize|64|", 512, 64),
        ("unknown options only", "octet|rollover|0|blksize2|1024|utimeout|1|", "", 512, 1),
    ];
    for (what, tail, oack, block_size, window_size) in table {
        let expected =
            (Some(oack.to_owned()).filter(|oack| !oack.is_empty()), block_size, window_size);
        assert_eq!(answer(tail, SIZE, &ethernet()), expected, "{what}");
    }
}

#[test]
fn size_zero_is_never_answered() {
    let limits = ethernet();
    assert_eq!(answer("octet|tsize|0|", 0, &limits).0, None);
    let curl = answer("octet|tsize|0|blksize|512|timeout|6|", 0, &limits);
    assert_eq!(curl.0.as_deref(), Some("blksize|512|timeout|6|"));
    let large = answer("octet|tsize|0|", u64::MAX, &limits).0;
    assert_eq!(large.as_deref(), Some("tsize|18446744073709551615|"));
}

#[test]
fn windows_are_bounded_in_bytes() {
    let mut limits = NegotiationLimits::default();
    limits.window_size_max = u16::MAX;
    // A request of 60 bytes that asks for 4.3 GB in flight.
    let (oack, block_size, window_size) =
        answer("octet|blksize|65464|windowsize|65535|", SIZE, &limits);
    assert_eq!(oack.as_deref(), Some("blksize|65464|windowsize|16|"));
    assert!(u32::from(block_size) * u32::from(window_size) <= limits.window_bytes_max);
    // The options' order does not matter for it.
    assert_eq!(answer("octet|windowsize|65535|blksize|65464|", SIZE, &limits).2, 16);
    limits.window_bytes_max = 1;
    assert_eq!(answer("octet|windowsize|8|", SIZE, &limits).2, 1);
}

#[test]
fn nonsense_limits_do_no_harm() {
    let mut limits = NegotiationLimits::default();
    (limits.block_size_max, limits.window_size_max, limits.window_bytes_max) = (0, 0, 0);
    let got = answer("octet|blksize|1468|windowsize|4|", SIZE, &limits);
    assert_eq!(got, (Some("blksize|8|windowsize|1|".to_owned()), 8, 1));
}

#[test]
fn answers_keep_to_every_question() {
    // Every combination of presence and order of the four options, both modes, three sizes.
    let options = ["blksize|900|", "tsize|0|", "timeout|9|", "windowsize|9|"];
    for order in 0..4_usize.pow(4) {
        let picks: Vec<usize> = (0..4).map(|place| order / 4_usize.pow(place) % 4).collect();
        for mode in ["octet|", "netascii|"] {
            for size in [0, 1, SIZE] {
                let tail: String =
                    core::iter::once(mode).chain(picks.iter().map(|&pick| options[pick])).collect();
                let (oack, ..) = answer(&tail, size, &ethernet());
                let mut asked: Vec<&str> = Vec::new();
                for name in picks.iter().map(|&pick| options[pick].split('|').next().unwrap()) {
                    let unanswered = name == "tsize" && (size == 0 || mode == "netascii|");
                    if !asked.contains(&name) && !unanswered {
                        asked.push(name);
                    }
                }
                let oack = oack.unwrap_or_default();
                let answered: Vec<&str> = oack.split_terminator('|').step_by(2).collect();
                assert_eq!(answered, asked, "{tail} size {size}");
            }
        }
    }
}

#[test]
fn mode_mail_negotiates_like_octets() {
    // It is refused before; the function has an answer nevertheless.
    let negotiated = with_request("mail|tsize|0|", |request| {
        assert_eq!(request.mode(), Mode::Mail);
        negotiate(request.options(), request.mode(), SIZE, &ethernet())
    });
    assert_eq!(negotiated.transfer_size, Some(SIZE));
}
