//! Options from a configuration's text, by name and number.

use pxe_dhcp::OptionCode;
use pxe_dhcp::options::{OptionFaultKind, OptionKind, OptionSet, OptionValue, VendorSpace};

#[track_caller]
fn value(option: &str, text: &str) -> Vec<u8> {
    let mut set = OptionSet::new();
    let code = set.set(option, text).unwrap_or_else(|fault| panic!("{fault}"));
    let value = set.value(code).expect("a value that was set").to_vec();
    // What a configuration gives is what the typed readers take.
    OptionValue::decode(code, &value, VendorSpace::Other).expect("a value that reads back");
    value
}

#[track_caller]
fn fault(option: &str, text: &str) -> String {
    let mut set = OptionSet::new();
    let fault = set.set(option, text).expect_err("a fault");
    assert!(set.is_empty(), "a faulty option was set");
    fault.to_string()
}

#[test]
fn every_type_has_its_text() {
    assert_eq!(value("routers", "192.0.2.1"), [192, 0, 2, 1]);
    assert_eq!(value("6", "192.0.2.1, 192.0.2.2 192.0.2.3").len(), 12);
    assert_eq!(value("domain-name", "lab.example"), b"lab.example");
    assert_eq!(value("interface-mtu", "1400"), [5, 120]);
    assert_eq!(value("mtu", "0x578"), [5, 120]);
    assert_eq!(value("default-ip-ttl", "64"), [64]);
    assert_eq!(value("ip-forwarding", "false"), [0]);
    assert_eq!(value("ip-forwarding", "on"), [1]);
    assert_eq!(value("time-offset", "-3600"), (-3600_i32).to_be_bytes());
    assert_eq!(value("arp-cache-timeout", "60"), [0, 0, 0, 60]);
    assert_eq!(value("path-mtu-plateau-table", "68, 576"), [0, 68, 2, 64]);
    assert_eq!(value("static-route", "10.0.0.1 192.0.2.1"), [10, 0, 0, 1, 192, 0, 2, 1]);
    assert_eq!(
        value("domain-search", "lab.example, example.com."),
        b"\x03lab\x07example\0\x07example\x03com\0"
    );
    assert_eq!(
        value("classless-static-route", "10.0.0.0/8 via 192.0.2.1, default via 192.0.2.254"),
        [8, 10, 192, 0, 2, 1, 0, 192, 0, 2, 254]
    );
    assert_eq!(value("249", "10.1.2.0/24 192.0.2.1"), [24, 10, 1, 2, 192, 0, 2, 1]);
    for text in ["0x01020a", "01:02:0a", "1:2:a", "01 02 0a", "01020a"] {
        assert_eq!(value("224", text), [1, 2, 10], "{text}");
    }
    assert_eq!(value("wpad", "http://192.0.2.5/wpad.dat"), b"http://192.0.2.5/wpad.dat");
}

#[test]
fn faults_say_what_to_write_instead() {
    assert_eq!(
        fault("ntp-servers", "192.0.2"),
        "option `ntp-servers`: `192.0.2` is not a list of IPv4 addresses like `192.0.2.1, 192.0.2.2`"
    );
    assert_eq!(
        fault("ntp-serwers", "192.0.2.1"),
        "option `ntp-serwers`: there is no such option; did you mean `ntp-server`? \
         Numbers from 1 to 254 are understood too"
    );
    assert_eq!(fault("0", "1"), "option `0`: an option's number is from 1 to 254");
    assert_eq!(
        fault("domain-name", ""),
        "option `domain-name`: it needs a value: text without control characters"
    );
    assert_eq!(
        fault("subnet-mask", "255.0.0.0"),
        "option `subnet-mask`: it cannot be set: it follows from the subnet"
    );
    for (option, text) in [
        ("mtu", "70000"),
        ("mtu", "0x+1"),
        ("ip-forwarding", "maybe"),
        ("domain-name", "a\u{7}b"),
        ("domain-search", "a..b"),
        ("classless-static-route", "10.0.0.0/33 via 192.0.2.1"),
        ("classless-static-route", "10.0.0.0/8"),
        ("classless-static-route", "10.0.0.0/8 via 192.0.2.1 twice"),
        ("static-route", "10.0.0.1 192.0.2.1 10.0.0.2"),
        ("224", "0x012"),
        ("224", "01::02"),
        ("224", "é"),
    ] {
        assert!(fault(option, text).contains("is not "), "{option} = {text}");
    }
    let long = "x".repeat(256);
    assert!(fault("domain-name", &long).contains("255 is all that fits"));
    let routes = vec!["10.0.0.0/8 via 192.0.2.1"; 200].join(",");
    assert!(fault("121", &routes).contains("no more than 1024 are sent"));
}

#[test]
fn what_the_exchange_itself_needs_cannot_be_set() {
    for code in [1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 80, 82, 90, 97, 118] {
        let fault = OptionSet::new().set_value(OptionCode(code), &[0; 4]).expect_err("reserved");
        assert!(matches!(fault.kind, OptionFaultKind::Reserved(_)), "{code}: {fault}");
    }
    for code in [OptionCode::PAD, OptionCode::END] {
        assert!(OptionSet::new().set_value(code, &[1]).is_err());
    }
}

#[test]
fn a_set_has_one_value_for_each_option() {
    let mut set = OptionSet::new();
    set.set("mtu", "1500").expect("a value");
    set.set("domain-name", "example").expect("a value");
    set.set("26", "1400").expect("a value");
    let codes: Vec<_> = set.iter().map(|option| option.code.0).collect();
    assert_eq!(codes, [15, 26]);
    assert_eq!(set.value(OptionCode::INTERFACE_MTU), Some(&[5, 120][..]));
    set.force(OptionCode::INTERFACE_MTU, true);
    assert!(set.iter().all(|option| option.forced == (option.code.0 == 26)));
}

#[test]
fn types_agree_with_the_lengths_that_firmware_checks() {
    // A text of each type that is right for it.
    let sample = |kind| match kind {
        OptionKind::Flag => "true",
        OptionKind::Address => "192.0.2.1",
        OptionKind::AddressList => "192.0.2.1",
        OptionKind::AddressPairs => "10.0.0.1 192.0.2.1",
        OptionKind::DomainSearch => "lab.example",
        OptionKind::ClasslessRoutes => "default via 192.0.2.1",
        OptionKind::Hex => "01:02:03:04",
        _ => "1",
    };
    let mut set = 0;
    for number in 1..=254_u8 {
        let kind = OptionKind::of(OptionCode(number));
        match OptionSet::new().set(&number.to_string(), sample(kind)) {
            Ok(code) => {
                assert_eq!(code, OptionCode(number));
                set += 1;
            }
            Err(fault) => assert!(
                matches!(fault.kind, OptionFaultKind::Reserved(_)) || [93, 94].contains(&number),
                "{fault}"
            ),
        }
    }
    assert!(set > 220, "{set}");
}
