//! Golden vectors: every `vectors/*.bin` renders as the `.txt` beside it, survives the encoder, and is safe to cut
//! anywhere. `UPDATE_VECTORS=1` writes the renderings, and the messages of `built/`, anew.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use pxe_dhcp::options::{
    BootItem, BootServerType, DiscoveryControl, IpxeOptionsBuilder, MenuPrompt, OptionValue,
    PxeOptions, PxeOptionsBuilder, VendorClass, VendorSpace,
};
use pxe_dhcp::{
    AnomalyKind, Flags, HardwareType, Message, MessageKind, MessageType, MessageView, Operation,
    OptionCode, SizeBudget,
};

/// A vector and what is checked of it.
struct Vector {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Vector {
    /// Vectors of one option's value are named `….option43.bin`.
    fn option_code(&self) -> Option<OptionCode> {
        let stem = self.path.file_stem()?.to_str()?;
        let (_, number) = stem.rsplit_once(".option")?;
        Some(OptionCode(number.parse().expect("an option number in the file name")))
    }

    fn render(&self) -> String {
        match (self.option_code(), MessageView::parse(&self.bytes)) {
            (Some(code), _) => match OptionValue::decode(code, &self.bytes, VendorSpace::Pxe) {
                Ok(value) => format!("{value}\n{}", render_value(value)),
                Err(error) => format!("error: {error}\n"),
            },
            (None, Ok(view)) => format!("{view}{}", render_facts(&view)),
            (None, Err(error)) => format!("error: {error}\n"),
        }
    }
}

fn render_value(value: OptionValue<'_>) -> String {
    let OptionValue::Pxe(options) = value else {
        return String::new();
    };
    format!(
        "control {:?}\nservers {:?}\nmenu {:?}\nprompt {:?}\nitem {:?}\n",
        options.discovery_control(),
        options.boot_servers(),
        options.boot_menu(),
        options.menu_prompt(),
        options.boot_item(),
    )
}

fn render_facts(view: &MessageView<'_>) -> String {
    let facts = view.boot_facts();
    let mut text = String::from("facts:");
    let mut put = |name: &str, value: String| write!(text, " {name}={value}").expect("a string");
    if let Some(class) = facts.class() {
        let (arch, undi) = (class.arch(), class.undi());
        put("class", format!("{:?} arch {arch:?} undi {undi:?}", class.space()));
    }
    if !facts.archs.is_empty() {
        put("archs", format!("{:?}", facts.archs.iter().collect::<Vec<_>>()));
    }
    if let Some(user_class) = facts.user_classes() {
        put("user-class", format!("{user_class:?}"));
    }
    if let Some((kind, address)) = facts.client_id().and_then(|id| id.hardware()) {
        put("client-id", format!("{kind} {address:02x?}"));
    }
    if let Some(uuid) = facts.machine().and_then(|machine| machine.uuid_little_endian()) {
        put("machine", format!("{uuid:032x}"));
    }
    if let Some(ipxe) = facts.ipxe_options() {
        put("ipxe", format!("{:?} {:?}", ipxe.version(), ipxe.features()));
    }
    if let Some(vendor) = facts.vendor_options() {
        put("vendor", format!("{vendor:?}"));
    }
    put("budget", SizeBudget::for_request(facts.max_message_size).payload_bytes().to_string());
    text.push('\n');
    text
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut vectors = Vec::new();
    for entry in folder.read_dir().expect("the folder of vectors") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "bin") {
            let bytes = std::fs::read(&path).expect("a readable vector");
            vectors.push(Vector { path, bytes });
        }
    }
    vectors.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(vectors.len() > 50, "only {} vectors found", vectors.len());
    vectors
}

fn messages() -> impl Iterator<Item = Vector> {
    vectors().into_iter().filter(|vector| vector.option_code().is_none())
}

fn updating() -> bool {
    std::env::var_os("UPDATE_VECTORS").is_some()
}

#[test]
fn every_vector_renders_as_recorded() {
    if updating() {
        // Those of the builder first: they are rendered too.
        built_messages_are_as_recorded();
    }
    let mut faults = Vec::new();
    for vector in vectors() {
        let recorded = vector.path.with_extension("txt");
        let rendered = vector.render();
        if updating() {
            std::fs::write(&recorded, rendered).expect("a writable rendering");
        } else if std::fs::read_to_string(&recorded).ok() != Some(rendered) {
            faults.push(vector.path);
        }
    }
    assert!(faults.is_empty(), "rendering differs: {faults:#?}");
}

#[test]
fn no_rendering_is_orphaned() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    for entry in folder.read_dir().expect("the folder of vectors") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            assert!(path.with_extension("bin").exists(), "{}", path.display());
        }
    }
}

/// Firmware and dnsmasq write clean messages, but for the known oddities of particular senders.
#[test]
fn captured_messages_have_no_unexplained_anomaly() {
    for vector in messages() {
        let name = vector.path.display();
        let view = MessageView::parse(&vector.bytes).expect("a captured message");
        for anomaly in view.anomalies() {
            let explained = matches!(
                anomaly.kind,
                // EDK2's HTTP Boot leaves one octet of its request list uninitialised.
                AnomalyKind::RequestedCode(_)
            );
            assert!(explained, "{name}: {anomaly:?}");
        }
    }
}

#[test]
fn every_message_survives_the_encoder() {
    for vector in messages() {
        let name = vector.path.display();
        let view = MessageView::parse(&vector.bytes).expect("a captured message");
        let mut out = Vec::new();
        let budget = SizeBudget::of_payload(usize::MAX);
        Message::from_view(&view).encode(budget, &mut out).expect("a message to encode");
        let again = MessageView::parse(&out).expect("an encoded message");
        for code in (0..=255).map(OptionCode) {
            assert_eq!(view.option(code), again.option(code), "{name}, option {code}");
        }
        assert_eq!(view.boot_facts(), again.boot_facts(), "{name}");
        assert_eq!(view.datagram()[..236], again.datagram()[..236], "{name}");
    }
}

#[test]
fn every_prefix_is_read_or_refused() {
    for vector in messages() {
        let whole = MessageView::parse(&vector.bytes).expect("a captured message");
        for cut in 0..vector.bytes.len() {
            let Ok(view) = MessageView::parse(&vector.bytes[..cut]) else {
                assert!(cut < 236, "{} bytes refused", cut);
                continue;
            };
            assert!(cut >= 236, "{cut} bytes accepted");
            // What a prefix shows is the beginning of what the whole shows.
            let options: Vec<_> = view.options().collect();
            let expected: Vec<_> = whole.options().take(options.len()).collect();
            assert_eq!(options, expected);
            let _ = format!("{view}{}", render_facts(&view));
        }
    }
}

/// Messages the builder makes, recorded so that a change of its output shows.
#[test]
fn built_messages_are_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    for (name, message) in built() {
        let path = folder.join(format!("built-{name}.bin"));
        let mut out = Vec::new();
        message.encode(SizeBudget::default(), &mut out).expect("a message that fits");
        if updating() && std::fs::read(&path).ok().as_ref() != Some(&out) {
            std::fs::write(&path, &out).expect("a writable vector");
        }
        assert_eq!(std::fs::read(&path).ok(), Some(out), "{}", path.display());
    }
}

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);

fn built() -> Vec<(&'static str, Message)> {
    vec![
        ("proxy-offer-bios", proxy_offer(&PxeOptions::JUST_BOOT)),
        ("proxy-offer-menu", proxy_offer(&menu())),
        ("proxy-offer-uefi", proxy_offer(&[])),
        ("http-offer", http_offer()),
        ("boot-item-request", boot_item_request()),
        ("full-ack-relayed", full_ack()),
        ("bootp-reply", bootp_reply()),
    ]
}

fn request(push: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut message = Message::new(Operation::BootRequest);
    let hardware = message.set_hardware(HardwareType::ETHERNET, &[0x52, 0x54, 0, 0xaa, 0, 1]);
    hardware.expect("an Ethernet address").set_transaction_id(0x1234_5678);
    message.set_flags(Flags::BROADCAST);
    push(&mut message);
    let mut out = Vec::new();
    message.encode(SizeBudget::default(), &mut out).expect("a request");
    out
}

fn discover() -> Vec<u8> {
    request(|message| {
        message
            .push_octet(OptionCode::MESSAGE_TYPE, MessageType::DISCOVER.0)
            .push_short(OptionCode::MAX_MESSAGE_SIZE, 1472)
            .push(OptionCode::CLIENT_IDENTIFIER, &[1, 0x52, 0x54, 0, 0xaa, 0, 1])
            .push(OptionCode::MACHINE_ID, &[0; 17])
            .push(OptionCode::NETWORK_INTERFACE, &[1, 3, 0])
            .push_short(OptionCode::CLIENT_ARCHITECTURE, 7)
            .push_with(OptionCode::VENDOR_CLASS, |out| {
                VendorClass::encode(VendorClass::PXE_CLIENT, 7, (3, 0), out);
            });
    })
}

fn proxy_offer(vendor_options: &[u8]) -> Message {
    let request = discover();
    let view = MessageView::parse(&request).expect("a request");
    let mut offer = Message::reply_to(&view, MessageType::OFFER);
    offer.set_server_address(SERVER).set_boot_file(b"undionly.kpxe").expect("a short name");
    offer
        .push_addresses(OptionCode::SERVER_IDENTIFIER, &[SERVER])
        .push(OptionCode::VENDOR_CLASS, VendorClass::PXE_CLIENT)
        .push_from(&view, OptionCode::MACHINE_ID);
    if !vendor_options.is_empty() {
        offer.push(OptionCode::VENDOR_SPECIFIC, vendor_options);
    }
    offer
}

fn menu() -> Vec<u8> {
    let item = BootServerType::VENDOR_FIRST;
    let local = BootServerType::LOCAL_BOOT;
    let mut out = Vec::new();
    PxeOptionsBuilder::new()
        .discovery_control(
            DiscoveryControl::NO_BROADCAST
                | DiscoveryControl::NO_MULTICAST
                | DiscoveryControl::LISTED_SERVERS_ONLY,
        )
        .boot_servers(&[(item, &[SERVER])])
        .boot_menu(&[(item, b"Network"), (local, b"Local disk")])
        .menu_prompt(MenuPrompt { timeout_seconds: 10, text: b"Press F8" })
        .encode(&mut out)
        .expect("a menu that fits");
    out
}

fn http_offer() -> Message {
    let request = discover();
    let view = MessageView::parse(&request).expect("a request");
    let mut offer = Message::reply_to(&view, MessageType::OFFER);
    offer
        .push_addresses(OptionCode::SERVER_IDENTIFIER, &[SERVER])
        .push_padded(OptionCode::VENDOR_CLASS, VendorClass::HTTP_CLIENT)
        .push_padded(OptionCode::BOOT_FILE_NAME, b"http://192.0.2.5/boot/ipxe.efi");
    offer
}

fn boot_item_request() -> Message {
    let mut message = Message::new(Operation::BootRequest);
    let item = BootItem { server_type: BootServerType(0x8000), layer: 0, credentials: false };
    message
        .set_transaction_id(7)
        .set_client_address(Ipv4Addr::new(192, 0, 2, 77))
        .push_octet(OptionCode::MESSAGE_TYPE, MessageType::REQUEST.0)
        .push(OptionCode::VENDOR_CLASS, b"PXEClient:Arch:00000:UNDI:002001")
        .push_with(OptionCode::VENDOR_SPECIFIC, |out| {
            PxeOptionsBuilder::new().boot_item(item).encode(out).expect("one item");
        })
        .push_with(OptionCode::IPXE, |out| {
            IpxeOptionsBuilder::new().version([1, 21, 1]).encode(out).expect("one version");
        });
    message.set_hardware(HardwareType::ETHERNET, &[0x52, 0x54, 0, 0xaa, 0, 1]).expect("six bytes");
    message
}

fn full_ack() -> Message {
    let relayed = request(|message| {
        message
            .set_relay_address(Ipv4Addr::new(198, 51, 100, 1))
            .push_octet(OptionCode::MESSAGE_TYPE, MessageType::REQUEST.0)
            .push(OptionCode::PARAMETER_REQUEST_LIST, &[1, 3, 6, 15, 66, 67])
            .push(OptionCode::RELAY_AGENT_INFORMATION, b"\x01\x04eth1\x02\x02ab");
    });
    let view = MessageView::parse(&relayed).expect("a request");
    let mut ack = Message::reply_to(&view, MessageType::ACK);
    ack.set_your_address(Ipv4Addr::new(198, 51, 100, 50))
        .push(OptionCode::DOMAIN_NAME, b"lab.example")
        .push_addresses(OptionCode::ROUTERS, &[Ipv4Addr::new(198, 51, 100, 1)])
        .push_addresses(OptionCode::DOMAIN_NAME_SERVERS, &[SERVER, Ipv4Addr::new(192, 0, 2, 6)])
        .push_addresses(OptionCode::SUBNET_MASK, &[Ipv4Addr::new(255, 255, 255, 0)])
        .push_seconds(OptionCode::REBINDING_TIME, 37_800)
        .push_seconds(OptionCode::RENEWAL_TIME, 21_600)
        .push_seconds(OptionCode::LEASE_TIME, 43_200)
        .push_addresses(OptionCode::SERVER_IDENTIFIER, &[SERVER]);
    ack
}

fn bootp_reply() -> Message {
    let bootp = request(|_| {});
    let view = MessageView::parse(&bootp).expect("a request");
    assert_eq!(view.kind(), MessageKind::BootpVendor);
    let mut reply = Message::bootp_reply_to(&view);
    reply
        .set_your_address(Ipv4Addr::new(192, 0, 2, 60))
        .push_addresses(OptionCode::SUBNET_MASK, &[Ipv4Addr::new(255, 255, 255, 0)])
        .push_seconds(OptionCode::LEASE_TIME, 43_200);
    reply
}
