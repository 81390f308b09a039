//! Typed option values against the examples of their specifications and the forms met in the field.

use std::net::Ipv4Addr;

use hex_literal::hex;
use pxe_dhcp::options::{
    self, AddressList, ArchList, BootItem, BootServerType, ClasslessRoutes, ClientIdentifier,
    DiscoveryControl, DomainSearch, IpxeFeatures, IpxeOption, IpxeOptions, IpxeOptionsBuilder,
    MachineId, MulticastAllocation, NetworkInterface, OptionValue, ParameterRequestList, PxeOption,
    PxeOptions, PxeOptionsBuilder, RelayAgentInformation, RelayAgentInformationBuilder,
    RelayOption, Route, UserClass, UserClassFraming, VendorClass, VendorSpace, VendorSpecific,
};
use pxe_dhcp::{HardwareType, OptionCode, ValueError, ValueErrorKind};

fn error<T: std::fmt::Debug>(result: Result<T, ValueError>) -> (usize, ValueErrorKind) {
    let error = result.unwrap_err();
    (error.offset, error.kind)
}

#[test]
fn numbers_and_addresses() {
    assert_eq!(options::octet(&[7]), Ok(7));
    assert_eq!(options::short(&[5, 192]), Ok(1472));
    assert_eq!(options::duration_seconds(&[0, 0, 14, 16]), Ok(3600));
    assert_eq!(options::address(&[192, 0, 2, 5]), Ok(Ipv4Addr::new(192, 0, 2, 5)));
    assert_eq!(error(options::short(&[5])), (0, ValueErrorKind::Length(1)));
    let list = AddressList::decode(&[192, 0, 2, 5, 192, 0, 2, 6]).expect("two addresses");
    assert_eq!(list.iter().map(|address| address.octets()[3]).collect::<Vec<_>>(), [5, 6]);
    assert_eq!((list.len(), list.first()), (2, Some(Ipv4Addr::new(192, 0, 2, 5))));
    assert_eq!(error(AddressList::decode(&[])), (0, ValueErrorKind::Length(0)));
    assert_eq!(error(AddressList::decode(&[1; 5])), (0, ValueErrorKind::Length(5)));
    assert_eq!(AddressList::new(&[1; 5]).len(), 1);
    let mut out = Vec::new();
    AddressList::encode(list.iter(), &mut out);
    assert_eq!(out, [192, 0, 2, 5, 192, 0, 2, 6]);
}

#[test]
fn text_loses_its_trailing_nuls_only() {
    assert_eq!(options::text(b"name\0\0"), b"name");
    assert_eq!(options::text(b"na\0me"), b"na\0me");
    assert_eq!(options::text(b"\0"), b"");
}

#[test]
fn arch_lists_are_open_and_tolerate_an_odd_octet() {
    let list = ArchList::decode(&hex!("0000 0007 ffff")).expect("three numbers");
    assert_eq!(list.iter().collect::<Vec<_>>(), [0, 7, 0xffff]);
    assert_eq!(list.first(), Some(0));
    assert_eq!(ArchList::new(&[0, 7, 0]).iter().collect::<Vec<_>>(), [7]);
    assert_eq!(error(ArchList::decode(&[0, 7, 0])), (0, ValueErrorKind::Length(3)));
    assert!(ArchList::new(&[]).is_empty());
    let mut out = Vec::new();
    ArchList::encode(list.iter(), &mut out);
    assert_eq!(out, hex!("0000 0007 ffff"));
}

#[test]
fn network_interface() {
    let interface = NetworkInterface::decode(&[1, 3, 16]).expect("three bytes");
    assert_eq!((interface.kind, interface.major, interface.minor), (1, 3, 16));
    assert_eq!(interface.to_bytes(), [1, 3, 16]);
    assert_eq!(error(NetworkInterface::decode(&[1, 3])), (0, ValueErrorKind::Length(2)));
}

#[test]
fn a_machine_has_two_readings() {
    let value = hex!("00 33221100 5544 7766 8899 aabbccddeeff");
    let id = MachineId::new(&value);
    assert_eq!(id.uuid_little_endian(), Some(0x00112233_4455_6677_8899_aabbccddeeff));
    assert_eq!(id.uuid_big_endian(), Some(0x33221100_5544_7766_8899_aabbccddeeff));
    assert!(id.is_unique());
    assert!(!MachineId::new(&[0; 17]).is_unique());
    let mut ones = [0xff; 17];
    ones[0] = 0;
    assert!(!MachineId::new(&ones).is_unique());
    assert_eq!(MachineId::new(&[0; 16]).guid(), None);
    assert_eq!(MachineId::new(&ones[1..]).guid(), None);
    assert_eq!(MachineId::new(&[]).guid(), None);
    let mut out = Vec::new();
    MachineId::encode(id.guid().expect("a GUID"), &mut out);
    assert_eq!(out, value);
}

#[test]
fn client_identifiers() {
    let id = ClientIdentifier::new(&[1, 0x52, 0x54, 0, 0xaa, 0, 1]);
    let address = [0x52, 0x54, 0, 0xaa, 0, 1];
    assert_eq!(id.hardware(), Some((HardwareType::ETHERNET, &address[..])));
    assert_eq!(id.duid(), None);
    // RFC 4361: IAID and DUID.
    let value = hex!("ff 00000001 0003 0001 525400aa0001");
    let id = ClientIdentifier::new(&value);
    assert_eq!(id.duid(), Some((1, &value[5..])));
    assert_eq!(id.hardware(), None);
    let mut out = Vec::new();
    ClientIdentifier::encode_duid(1, &value[5..], &mut out);
    assert_eq!(out, value);
    out.clear();
    ClientIdentifier::encode_hardware(HardwareType::ETHERNET, &address, &mut out);
    assert_eq!(out[1..], address);
    for odd in [&[][..], &[1], &[0, b'x'], &[255, 0, 0, 0, 1]] {
        let id = ClientIdentifier::new(odd);
        assert_eq!((id.hardware(), id.duid()), (None, None), "{odd:?}");
        assert_eq!(id.is_usable(), odd.len() >= 2);
    }
}

#[test]
fn request_lists_ignore_pad_and_end() {
    let list = ParameterRequestList::new(&[1, 0, 3, 255, 3, 66]);
    assert_eq!(list.iter().map(|code| code.0).collect::<Vec<_>>(), [1, 3, 3, 66]);
    assert_eq!(list.rank(OptionCode(66)), Some(3));
    assert!(list.contains(OptionCode::ROUTERS) && !list.contains(OptionCode::END));
}

#[test]
fn vendor_classes() {
    let class = VendorClass::new(b"PXEClient:Arch:00007:UNDI:003016");
    assert_eq!(class.space(), VendorSpace::Pxe);
    assert_eq!((class.arch(), class.undi()), (Some(7), Some((3, 16))));
    let mut out = Vec::new();
    VendorClass::encode(VendorClass::PXE_CLIENT, 7, (3, 16), &mut out);
    assert_eq!(out, class.as_bytes());
    out.clear();
    VendorClass::encode(VendorClass::HTTP_CLIENT, 65535, (1000, 0), &mut out);
    assert_eq!(out, b"HTTPClient:Arch:65535:UNDI:999000");
    let space = |class: &[u8]| VendorClass::new(class).space();
    assert_eq!(space(b"HTTPClient:Arch:00016:UNDI:003000"), VendorSpace::Http);
    assert_eq!(space(b"AAPLBSDPC/i386/MacBook1,1"), VendorSpace::Bsdp);
    assert_eq!(space(b"U-Boot.armv8"), VendorSpace::Other);
    assert_eq!(space(b"PXEClien"), VendorSpace::Other);
    assert_eq!(space(b""), VendorSpace::Other);
    for odd in ["PXEClient", "PXEClient:Arch", "PXEClient:Arch:7", "PXEClient:Arch:99999"] {
        assert_eq!(VendorClass::new(odd.as_bytes()).arch(), None, "{odd}");
    }
    assert_eq!(VendorClass::new(b"PXEClient:Arch:00007:UNDI:003016\0").undi(), Some((3, 16)));
    assert_eq!(VendorClass::new(b"PXEClient:Arch:0000x").arch(), None);
}

#[test]
fn option_43_belongs_to_the_class() {
    let value = hex!("01 01 02 02 02 0101 05 02 03fc");
    let VendorSpecific::Bsdp(bsdp) = VendorSpecific::new(VendorSpace::Bsdp, &value) else {
        panic!("not BSDP");
    };
    assert_eq!(bsdp.message_type(), Some(2));
    assert_eq!((bsdp.version(), bsdp.reply_port()), (Some(0x0101), Some(1020)));
    assert_eq!(bsdp.sub_options().count(), 3);
    let pxe = VendorSpecific::new(VendorSpace::Pxe, &value);
    assert_eq!(pxe, VendorSpecific::Pxe(PxeOptions::new(&value)));
    for space in [VendorSpace::Http, VendorSpace::Other] {
        assert_eq!(VendorSpecific::new(space, &value), VendorSpecific::Other(&value));
    }
}

#[test]
fn user_classes_in_both_framings() {
    let raw = UserClass::new(b"iPXE");
    assert_eq!(raw.framing(), UserClassFraming::Raw);
    assert_eq!(raw.items().collect::<Vec<_>>(), [b"iPXE"]);
    let list = UserClass::new(b"\x04iPXE\x03lab");
    assert_eq!(list.framing(), UserClassFraming::Rfc3004);
    assert_eq!(list.items().collect::<Vec<_>>(), [&b"iPXE"[..], b"lab"]);
    for class in [raw, list, UserClass::new(b"\x04iPXE"), UserClass::new(b"iPXE\0")] {
        assert!(class.contains(b"iPXE"), "{class:?}");
        assert!(!class.contains(b"PXE") && !class.contains(b""), "{class:?}");
    }
    // Counts that do not cover the value, or count nothing, are no counts.
    for odd in [&b"\x04iPX"[..], b"\x00", b"\x01a\x00", b"\x01a\x09b"] {
        assert_eq!(UserClass::new(odd).framing(), UserClassFraming::Raw, "{odd:?}");
    }
    assert_eq!(UserClass::new(b"").items().count(), 0);
    let mut out = Vec::new();
    UserClass::encode([&b"iPXE"[..], b"lab"], &mut out).expect("short classes");
    assert_eq!(out, list.as_bytes());
    let fault = UserClass::encode([&b"iPXE"[..], b""], &mut out);
    assert_eq!(error(fault), (0, ValueErrorKind::Length(0)));
    assert_eq!(out, list.as_bytes(), "nothing is written");
}

#[test]
fn relay_agent_information() {
    let value = hex!("01 04 65746831 02 02 6162 05 04 c6336400 0a 01 80 0b 04 c6336401 13 00");
    let information = RelayAgentInformation::decode(&value).expect("well formed");
    assert_eq!(information.circuit_id(), Some(&b"eth1"[..]));
    assert_eq!(information.remote_id(), Some(&b"ab"[..]));
    assert_eq!(information.link_selection(), Some(Ipv4Addr::new(198, 51, 100, 0)));
    assert_eq!(information.was_unicast(), Some(true));
    let server = information.server_identifier_override();
    assert_eq!(server, Some(Ipv4Addr::new(198, 51, 100, 1)));
    assert!(information.reply_to_source_port());
    assert_eq!(information.first(RelayOption::SUBSCRIBER_ID), None);
    // Codes 0 and 255 are sub-options here, not PAD and END.
    let zero = RelayAgentInformation::decode(&hex!("00 01 07 ff 00")).expect("well formed");
    assert_eq!(zero.sub_options().count(), 2);
    assert_eq!(error(RelayAgentInformation::decode(&[])), (0, ValueErrorKind::Length(0)));
    let cut = RelayAgentInformation::decode(&[1, 1, 7, 2, 9, 7]);
    assert_eq!(error(cut), (3, ValueErrorKind::Truncated));
    let length = RelayAgentInformation::decode(&[5, 1, 7]);
    assert_eq!(error(length), (2, ValueErrorKind::Length(1)));
    let mut builder = RelayAgentInformationBuilder::new();
    for option in information.sub_options() {
        builder.push(RelayOption(option.code), option.value);
    }
    assert_eq!(builder.finish(), Ok(&value[..]));
}

#[test]
fn pxe_options() {
    let value = hex!(
        "01 04 e0010203 02 02 06dd 03 02 06de 04 01 05 05 01 02 06 01 07 07 04 e0000102"
        "08 0a 8000 01 c0000205 8001 00 09 06 0000 03 484444 0a 02 ff 3f"
        "0b 08 e0010203 0001 0010 0c 04 00000001 47 04 8000 8001 ff 00"
    );
    let pxe = PxeOptions::decode(&value).expect("well formed");
    assert_eq!(pxe.mtftp_address(), Some(Ipv4Addr::new(224, 1, 2, 3)));
    assert_eq!((pxe.mtftp_client_port(), pxe.mtftp_server_port()), (Some(1757), Some(1758)));
    assert_eq!((pxe.mtftp_timeout_seconds(), pxe.mtftp_delay_seconds()), (Some(5), Some(2)));
    let control = pxe.discovery_control().expect("option 6");
    assert!(control.contains(DiscoveryControl::LISTED_SERVERS_ONLY));
    assert!(!control.contains(DiscoveryControl::BOOT_FILE_GIVEN));
    assert_eq!(pxe.discovery_multicast(), Some(Ipv4Addr::new(224, 0, 1, 2)));
    let servers: Vec<_> = pxe.boot_servers().expect("option 8").collect();
    assert_eq!(servers[0].server_type, BootServerType::VENDOR_FIRST);
    assert_eq!(servers[0].addresses.first(), Some(Ipv4Addr::new(192, 0, 2, 5)));
    assert!(servers[1].addresses.is_empty());
    let menu: Vec<_> = pxe.boot_menu().expect("option 9").collect();
    assert_eq!(menu[0].server_type, BootServerType::LOCAL_BOOT);
    assert_eq!(menu[0].description, b"HDD");
    let prompt = pxe.menu_prompt().expect("option 10");
    assert_eq!((prompt.timeout_seconds, prompt.text), (255, &b"?"[..]));
    let base = Ipv4Addr::new(224, 1, 2, 3);
    let allocation = MulticastAllocation { base, block: 1, range: 16 };
    assert_eq!(pxe.multicast_allocation(), Some(allocation));
    assert_eq!(pxe.credential_types().collect::<Vec<_>>(), [1]);
    let item = BootItem { server_type: BootServerType(0x8000), layer: 1, credentials: true };
    assert_eq!(pxe.boot_item(), Some(item));

    let mut builder = PxeOptionsBuilder::new();
    builder
        .push(PxeOption::MTFTP_ADDRESS, &[224, 1, 2, 3])
        .push(PxeOption::MTFTP_CLIENT_PORT, &1757_u16.to_be_bytes())
        .push(PxeOption::MTFTP_SERVER_PORT, &1758_u16.to_be_bytes())
        .push(PxeOption::MTFTP_TIMEOUT, &[5])
        .push(PxeOption::MTFTP_DELAY, &[2])
        .discovery_control(control)
        .discovery_multicast(Ipv4Addr::new(224, 0, 1, 2))
        .boot_servers(&[
            (BootServerType(0x8000), &[Ipv4Addr::new(192, 0, 2, 5)]),
            (BootServerType(0x8001), &[]),
        ])
        .boot_menu(&[(BootServerType::LOCAL_BOOT, b"HDD")])
        .menu_prompt(prompt)
        .multicast_allocation(allocation)
        .push(PxeOption::CREDENTIAL_TYPES, &[0, 0, 0, 1])
        .boot_item(item);
    // The vector ends with a PAD that the builder does not write.
    assert_eq!(builder.finish(), Ok(&value[..value.len() - 1]));
    assert_eq!(builder.finish(), Ok(&value[..value.len() - 1]), "END is written once");
}

#[test]
fn just_boot() {
    assert_eq!(PxeOptions::JUST_BOOT, hex!("06 01 08 ff"));
    let pxe = PxeOptions::decode(&PxeOptions::JUST_BOOT).expect("well formed");
    assert_eq!(pxe.discovery_control(), Some(DiscoveryControl::BOOT_FILE_GIVEN));
}

#[test]
fn malformed_pxe_options() {
    let fault = |value: &[u8]| error(PxeOptions::decode(value));
    assert_eq!(fault(&hex!("06 02 0101")), (2, ValueErrorKind::Length(2)));
    assert_eq!(fault(&hex!("00 08 04 8000 01 c0")), (3, ValueErrorKind::Truncated));
    assert_eq!(fault(&hex!("09 04 8000 02 41")), (2, ValueErrorKind::Truncated));
    assert_eq!(fault(&hex!("47 03 800000")), (2, ValueErrorKind::Length(3)));
    assert_eq!(fault(&hex!("06 01 08 07")), (3, ValueErrorKind::Truncated));
    assert_eq!(fault(&hex!("06 01 08 ff 00 07")), (5, ValueErrorKind::AfterEnd));
    assert!(PxeOptions::decode(&hex!("06 01 08")).is_ok(), "END may be absent");
    // Lenient reading shows what comes before the fault.
    let pxe = PxeOptions::new(&hex!("06 01 08 47 09 80"));
    assert_eq!(pxe.discovery_control(), Some(DiscoveryControl::BOOT_FILE_GIVEN));
    assert_eq!(pxe.boot_item(), None);
}

#[test]
fn values_of_255_bytes_are_the_limit() {
    let mut builder = PxeOptionsBuilder::new();
    builder.push(PxeOption(128), &[7; 252]);
    assert_eq!(builder.finish().map(<[u8]>::len), Ok(255));
    let mut builder = PxeOptionsBuilder::new();
    builder.push(PxeOption(128), &[7; 253]);
    assert_eq!(error(builder.finish()).1, ValueErrorKind::TooLong);
    let mut builder = PxeOptionsBuilder::new();
    builder.boot_menu(&[(BootServerType(1), &[b'x'; 256])]);
    assert_eq!(error(builder.finish()).1, ValueErrorKind::TooLong);
    let mut out = Vec::new();
    assert_eq!(error(builder.encode(&mut out)).1, ValueErrorKind::TooLong);
    assert!(out.is_empty());
}

#[test]
fn ipxe_options() {
    let value = hex!(
        "b1 05 01 1af4 1000 eb 03 01 15 01 17 01 01 10 01 02 13 01 01 24 01 00 01 01 fb b0 01 01 ff"
    );
    let ipxe = IpxeOptions::decode(&value).expect("well formed");
    let bus = ipxe.bus_id().expect("option 0xb1");
    assert_eq!((bus.kind, bus.vendor, bus.device), (1, 0x1af4, 0x1000));
    assert_eq!(ipxe.version(), Some([1, 21, 1]));
    assert_eq!((ipxe.priority(), ipxe.no_pxe_dhcp()), (Some(-5), Some(true)));
    let features = ipxe.features();
    assert!(features.has(IpxeOption::FEATURE_DNS) && features.has(IpxeOption::FEATURE_HTTP));
    assert!(features.has(IpxeOption::FEATURE_PXE_EXT), "its value is a version number");
    assert!(!features.has(IpxeOption::FEATURE_EFI), "present with value 0");
    assert!(!features.has(IpxeOption::VERSION), "no feature");
    assert_eq!(features.iter().count(), 3);
    let mut out = Vec::new();
    IpxeOptionsBuilder::new()
        .bus_id(bus)
        .version([1, 21, 1])
        .features(IpxeFeatures::default().with(IpxeOption::FEATURE_HTTP))
        .priority(-5)
        .no_pxe_dhcp()
        .encode(&mut out)
        .expect("it fits");
    assert_eq!(out, hex!("b1 05 01 1af4 1000 eb 03 01 15 01 13 01 01 01 01 fb b0 01 01 ff"));
    assert_eq!(error(IpxeOptions::decode(&[0xeb, 1, 1])), (2, ValueErrorKind::Length(1)));
    assert_eq!(error(IpxeOptions::decode(&[0xeb, 3, 1])), (0, ValueErrorKind::Truncated));
}

#[test]
fn classless_routes() {
    // The example of RFC 3442, and a default route.
    let value = hex!("00 0a000001 18 0a0000 0a000002 1d 0a1b8100 0a000003");
    let routes = ClasslessRoutes::decode(&value).expect("well formed");
    let shown: Vec<_> = routes.iter().map(|route| route.to_string()).collect();
    assert_eq!(
        shown,
        ["0.0.0.0/0 via 10.0.0.1", "10.0.0.0/24 via 10.0.0.2", "10.27.129.0/29 via 10.0.0.3"]
    );
    let mut out = Vec::new();
    ClasslessRoutes::encode(routes.iter(), &mut out).expect("legal prefixes");
    assert_eq!(out, value);
    // Bits beyond the prefix do not count.
    let sloppy = ClasslessRoutes::decode(&[9, 10, 255, 1, 2, 3, 4]).expect("well formed");
    let route = sloppy.iter().next().expect("a route");
    assert_eq!(route.destination, Ipv4Addr::new(10, 128, 0, 0));
    assert_eq!(error(ClasslessRoutes::decode(&[])), (0, ValueErrorKind::Length(0)));
    let cut = ClasslessRoutes::decode(&value[..12]);
    assert_eq!(error(cut), (5, ValueErrorKind::Truncated));
    let range = ClasslessRoutes::decode(&[33, 1, 2, 3, 4, 5, 1, 2, 3, 4]);
    assert_eq!(error(range), (0, ValueErrorKind::Range(33)));
    let long = Route { prefix_bits: 33, ..route };
    assert!(ClasslessRoutes::encode([long], &mut out).is_err());
}

#[test]
fn domain_search() {
    // The example of RFC 3397: the second name points into the first.
    let value = b"\x03eng\x05apple\x03com\x00\x09marketing\xc0\x04";
    let search = DomainSearch::decode(value).expect("well formed");
    let names: Vec<_> = search.iter().map(|name| name.to_string()).collect();
    assert_eq!(names, ["eng.apple.com", "marketing.apple.com"]);
    let mut out = Vec::new();
    for name in &names {
        DomainSearch::encode_name(name.as_bytes(), &mut out).expect("legal names");
    }
    let again = DomainSearch::decode(&out).expect("well formed");
    assert!(again.iter().map(|name| name.to_string()).eq(names));
    for label in search.iter().next().expect("a name").labels() {
        assert!(label.len() <= 5);
    }
}

#[test]
fn malformed_domain_search() {
    let fault = |value: &[u8]| error(DomainSearch::decode(value));
    assert_eq!(fault(b""), (0, ValueErrorKind::Length(0)));
    assert_eq!(fault(b"\x03en"), (0, ValueErrorKind::Truncated));
    assert_eq!(fault(b"\x01a"), (0, ValueErrorKind::Truncated));
    assert_eq!(fault(b"\x01a\x00\xc0"), (3, ValueErrorKind::Truncated));
    // Pointers to themselves, forwards, and round in a circle through a label.
    assert_eq!(fault(b"\xc0\x00"), (0, ValueErrorKind::DomainName));
    assert_eq!(fault(b"\xc0\x02\x01a\x00"), (0, ValueErrorKind::DomainName));
    assert_eq!(fault(b"\x01a\xc0\x00"), (0, ValueErrorKind::DomainName));
    assert_eq!(fault(b"\x41a"), (0, ValueErrorKind::DomainName));
    // A name of more than 255 bytes, without and with pointers.
    let long = [&[63; 64][..], &[63; 64], &[63; 64], &[63; 64], &[0]].concat();
    assert_eq!(fault(&long), (0, ValueErrorKind::DomainName));
    let mut out = Vec::new();
    for name in [&b"a..b"[..], b"", &[b'x'; 64], &[b'x'; 300]] {
        assert_eq!(error(DomainSearch::encode_name(name, &mut out)).1, ValueErrorKind::DomainName);
    }
    assert!(out.is_empty());
    DomainSearch::encode_name(b"lab.example.", &mut out).expect("a final dot is the root");
    assert_eq!(out, b"\x03lab\x07example\x00");
}

#[test]
fn pointers_are_bounded() {
    // A chain: each name is one label and a pointer to the name before.
    let mut value = b"\x01a\x00".to_vec();
    let mut last = 0;
    for _ in 0..16 {
        let here = value.len() as u8;
        value.extend_from_slice(&[1, b'b', 0xc0, last]);
        last = here;
    }
    let search = DomainSearch::decode(&value).expect("sixteen pointers");
    assert_eq!(search.iter().last().expect("a name").labels().count(), 17);
    value.extend_from_slice(&[1, b'b', 0xc0, last]);
    assert_eq!(error(DomainSearch::decode(&value)).1, ValueErrorKind::DomainName);
}

#[test]
fn every_option_in_scope_has_its_type() {
    let shown = |code, value: &[u8]| {
        let value = OptionValue::decode(OptionCode(code), value, VendorSpace::Pxe);
        value.map(|value| value.to_string()).map_err(|error| error.to_string())
    };
    let rows: &[(u8, &[u8], &str)] = &[
        (1, &[255, 255, 255, 0], "255.255.255.0"),
        (3, &[192, 0, 2, 1], "192.0.2.1"),
        (6, &[192, 0, 2, 1, 192, 0, 2, 2], "192.0.2.1, 192.0.2.2"),
        (12, b"node1\0", "\"node1\""),
        (15, b"lab.example", "\"lab.example\""),
        (17, b"iscsi:192.0.2.5::::iqn", "\"iscsi:192.0.2.5::::iqn\""),
        (43, &[6, 1, 8, 255], "6 = 08"),
        (50, &[192, 0, 2, 9], "192.0.2.9"),
        (51, &[0, 0, 14, 16], "3600 s"),
        (51, &[255; 4], "for ever"),
        (52, &[3], "3"),
        (53, &[5], "ACK"),
        (53, &[77], "message type 77"),
        (54, &[192, 0, 2, 5], "192.0.2.5"),
        (55, &[1, 3, 6], "1, 3, 6"),
        (56, b"no", "\"no\""),
        (57, &[255, 0], "65280"),
        (58, &[0, 0, 0, 9], "9 s"),
        (59, &[0, 0, 0, 9], "9 s"),
        (60, b"PXEClient", "\"PXEClient\""),
        (61, &[1, 0xaa], "01aa"),
        (66, b"tftp.example", "\"tftp.example\""),
        (67, b"ipxe.efi\0", "\"ipxe.efi\""),
        (77, b"iPXE", "Raw \"iPXE\""),
        (82, &[1, 1, 9], "1 = 09"),
        (93, &[0, 7, 0, 9], "7, 9"),
        (94, &[1, 3, 16], "type 1, version 3.16"),
        (97, &[0; 17], "0000000000000000000000000000000000"),
        (118, &[198, 51, 100, 0], "198.51.100.0"),
        (119, b"\x03lab\x00", "lab"),
        (121, &[0, 192, 0, 2, 1], "0.0.0.0/0 via 192.0.2.1"),
        (150, &[192, 0, 2, 5, 192, 0, 2, 6], "192.0.2.5, 192.0.2.6"),
        (175, &[0xb0, 1, 1], "176 = 01"),
        (208, &[0xf1, 0, 0x74, 0x7e], "f100747e"),
        (209, b"default", "\"default\""),
        (210, b"/boot/", "\"/boot/\""),
        (211, &[0, 0, 0, 30], "30 s"),
    ];
    for &(code, value, expected) in rows {
        assert_eq!(shown(code, value).as_deref(), Ok(expected), "option {code}");
        assert!(OptionCode(code).name().is_some() && OptionCode(code).source().is_some());
    }
    assert_eq!(shown(53, &[1, 2]), Err("illegal length 2 at byte 0 of the value".into()));
    assert_eq!(OptionCode(254).name(), None);
}
