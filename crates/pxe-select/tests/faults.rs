//! Every fault of a configuration, all at once, each with its place.

use pxe_select::{
    Fault, Firmware, Host, Place, Policy, PolicyBuilder, PolicyError, Rule, When, limits,
};

fn faults(builder: &PolicyBuilder) -> Vec<PolicyError> {
    builder.build().expect_err("it has faults").into_iter().collect()
}

fn only_fault(builder: &PolicyBuilder) -> PolicyError {
    let mut found = faults(builder);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn when(change: impl FnOnce(&mut When)) -> When {
    let mut when = When::any();
    change(&mut when);
    when
}

#[test]
fn all_at_once_with_place_and_key() {
    let mut builder = Policy::builder();
    builder
        .loader_named("x64", "ipxe.efi")
        .loader(Firmware::Bios, "")
        .loader(Firmware::X64Uefi, &"x".repeat(128))
        .host(Host::new("52:54:00:aa:00:zz"))
        .host(Host::new("52:54:00:aa:00:01").with_loader("../own.efi").with_folder("a/../b"))
        .host(Host::new("52-54-00-AA-00-01"))
        .rule(Rule::file(
            when(|when| when.arch = Some(vec!["uefi".into(), "bios".into()])),
            "a.efi",
        ))
        .rule(Rule::file(when(|when| when.mac = Some("525400*".into())), "a.efi"))
        .rule(Rule::url(when(|when| when.subnet = Some("10.1.2.3/16".into())), "boot.efi"))
        .rule(Rule::deny(when(|when| when.user_class = Some(String::new()))))
        .http_base("ftp://192.0.2.5/");
    let found = faults(&builder);
    let listed: Vec<String> = found.iter().map(ToString::to_string).collect();
    let expected = [
        "select, http base: `ftp://192.0.2.5/` is no URL like http://192.0.2.5/boot.efi",
        "loaders, firmware: `x64` is no firmware name; known are bios, x86-uefi, x64-uefi, arm32-uefi, arm64-uefi, \
         riscv64-uefi, loong64-uefi, ppc64-of, s390x, arm64-uboot, rpi, x86-uefi-http, x64-uefi-http, \
         arm32-uefi-http, arm64-uefi-http, riscv64-uefi-http, loong64-uefi-http",
        "loaders, file: it is empty",
        "loaders, file: the file name has 128 bytes; DHCP has room for 127",
        "host entry 1, mac: `52:54:00:aa:00:zz` is no MAC address like 52:54:00:aa:00:01",
        "host entry 2, loader: the file name is refused: it climbs out of a directory with `..`",
        "host entry 2, folder: the folder is refused: it climbs out of a directory with `..`",
        "host entry 3, mac: the same address is in host entry 2",
        "rule 1, arch: `uefi` is no firmware name",
        "rule 2, mac: `525400*` can match no MAC address; write pairs of digits between colons, like 52:54:00:*",
        "rule 3, subnet: `10.1.2.3/16` has bits outside its prefix; the subnet is 10.1.0.0",
        "rule 3, url: `boot.efi` is no URL like http://192.0.2.5/boot.efi",
        "rule 4, user-class: it is empty",
    ];
    assert_eq!(listed.len(), expected.len(), "{listed:#?}");
    for (said, wanted) in listed.iter().zip(expected) {
        assert!(said.starts_with(wanted), "{said}\n{wanted}");
    }
    assert_eq!(found[1].place, Place::Loader("x64".into()));
    assert_eq!((&found[5].place, found[5].key), (&Place::Host(1), "loader"));
    assert_eq!((&found[10].place, found[10].key), (&Place::Rule(2), "subnet"));
}

#[test]
fn a_rule_has_exactly_one_action() {
    let none = Rule::default();
    let mut two = Rule::file(When::any(), "a.efi");
    two.deny = true;
    let mut three = two.clone();
    three.url = Some("http://192.0.2.5/a.efi".into());
    for (rule, found) in [(none, 0), (two, 2), (three, 3)] {
        let fault = only_fault(Policy::builder().rule(rule));
        assert_eq!(fault.fault, Fault::NotOneAction { found });
    }
}

#[test]
fn names_that_no_client_could_ask_for() {
    for (file, shown) in [
        ("a/../b", "climbs out"),
        ("a\nb", "control character"),
        ("a.efi\n", "control character"),
        ("/", "names no file"),
        ("a.efi ", "ends in a blank"),
        ("", "is empty"),
    ] {
        let fault = only_fault(Policy::builder().loader(Firmware::Bios, file));
        assert!(fault.to_string().contains(shown), "{file:?}: {fault}");
    }
    let policy = Policy::builder().loader(Firmware::Bios, "\\boot\\undionly.kpxe").build().unwrap();
    assert_eq!(policy.loader(Firmware::Bios), Some("boot/undionly.kpxe"));
    let longest = "x".repeat(limits::FILE_NAME_BYTES_MAX);
    assert!(Policy::builder().loader(Firmware::Bios, &longest).build().is_ok());
}

#[test]
fn urls() {
    for good in ["http://192.0.2.5/x.efi", "https://boot.example:8443/a%20b", "tftp://192.0.2.5/x"]
    {
        assert!(Policy::builder().rule(Rule::url(When::any(), good)).build().is_ok(), "{good}");
    }
    for bad in [
        "x.efi",
        "http:/x",
        "://x",
        "http://",
        "http:///x",
        "http://a b/",
        "1http://x/",
        "http://ä/",
    ] {
        let fault = only_fault(Policy::builder().rule(Rule::url(When::any(), bad)));
        assert_eq!(fault.fault, Fault::BadUrl { text: bad.into() });
    }
    let long = format!("http://192.0.2.5/{}", "x".repeat(239));
    let fault = only_fault(Policy::builder().rule(Rule::url(When::any(), &long)));
    assert_eq!(fault.fault, Fault::UrlTooLong { bytes: 256 });
}

#[test]
fn conditions() {
    let fault = |when: When| only_fault(Policy::builder().rule(Rule::file(when, "a.efi"))).fault;
    assert_eq!(fault(when(|when| when.arch = Some(Vec::new()))), Fault::Empty);
    let text = || String::from("10.0.0.0/33");
    assert_eq!(fault(when(|when| when.subnet = Some(text()))), Fault::BadPrefix { text: text() });
    let text = || String::from("lab");
    assert_eq!(fault(when(|when| when.subnet = Some(text()))), Fault::BadSubnet { text: text() });
    let text = || String::from("52:54:0x:*");
    assert_eq!(
        fault(when(|when| when.mac = Some(text()))),
        Fault::BadMacPatternByte { text: text(), offset: 7 }
    );
    let long = "x".repeat(limits::PATTERN_BYTES_MAX + 1);
    assert_eq!(fault(when(|when| when.vendor_class = Some(long))), Fault::PatternTooLong);
}

#[test]
fn a_faulty_rule_hides_no_other() {
    let mut builder = Policy::builder();
    builder
        .rule(Rule::deny(when(|when| when.mac = Some("zz".into()))))
        .rule(Rule::file(When::any(), "a.efi"));
    assert!(matches!(only_fault(&builder).fault, Fault::BadMacPatternByte { .. }));
}

#[test]
fn a_loader_is_named_once() {
    let mut builder = Policy::builder();
    builder.loader(Firmware::Bios, "a").loader(Firmware::Bios, "b");
    assert_eq!(only_fault(&builder).fault, Fault::DuplicateLoader);
}

#[test]
fn rules_that_can_never_decide() {
    let x64 = || when(|when| when.arch = Some(vec!["x64-uefi".into()]));
    let both = || when(|when| when.arch = Some(vec!["x64-uefi".into(), "bios".into()]));
    let wide = || when(|when| when.subnet = Some("10.0.0.0/8".into()));
    let narrow = || when(|when| when.subnet = Some("10.1.0.0/16".into()));
    let own = || when(|when| when.user_class = Some("iPXE".into()));
    let url = "http://192.0.2.5/x.efi";
    for (first, second, shadowed) in [
        (Rule::file(x64(), "a"), Rule::file(x64(), "b"), true),
        (Rule::file(both(), "a"), Rule::file(x64(), "b"), true),
        (Rule::file(x64(), "a"), Rule::file(both(), "b"), false),
        (Rule::file(wide(), "a"), Rule::file(narrow(), "b"), true),
        (Rule::file(narrow(), "a"), Rule::file(wide(), "b"), false),
        (Rule::file(When::any(), "a"), Rule::file(x64(), "b"), true),
        (Rule::file(When::any(), "a"), Rule::deny(x64()), true),
        (Rule::deny(When::any()), Rule::file(x64(), "b"), true),
        (Rule::deny(When::any()), Rule::deny(x64()), true),
        (Rule::file(own(), "a"), Rule::url(own(), url), true),
        (Rule::file(own(), "a"), Rule::deny(own()), true),
        // For the iPXE that the first rule passes over.
        (Rule::file(When::any(), "a"), Rule::file(own(), "b"), false),
        // For the iPXE of a machine that its host entry admits.
        (Rule::deny(When::any()), Rule::file(own(), "b"), false),
        // For firmware that takes no URL.
        (Rule::url(When::any(), url), Rule::file(When::any(), "b"), false),
        (Rule::url(When::any(), url), Rule::url(x64(), url), true),
        (Rule::url(When::any(), url), Rule::deny(When::any()), false),
    ] {
        let mut builder = Policy::builder();
        builder.rule(first.clone()).rule(second.clone());
        let expected = shadowed.then_some(Fault::Unreachable { by: 0 });
        let found =
            builder.build().err().and_then(|faults| faults.into_iter().next()).map(|one| one.fault);
        assert_eq!(found, expected, "{first:?}\n{second:?}");
    }
}

#[test]
fn too_many() {
    let mut builder = Policy::builder();
    for _ in 0..=limits::RULES_MAX {
        builder.rule(Rule::deny(When::any()));
    }
    assert_eq!(only_fault(&builder).fault, Fault::TooManyRules { found: limits::RULES_MAX + 1 });
    let mut builder = Policy::builder();
    for number in 0..=limits::HOSTS_MAX {
        builder.host(Host::new(format!("5254{number:08x}")));
    }
    assert_eq!(only_fault(&builder).fault, Fault::TooManyHosts { found: limits::HOSTS_MAX + 1 });
}

#[test]
fn a_full_house_is_built_and_searched() {
    let mut builder = Policy::builder();
    for number in (0..limits::HOSTS_MAX).rev() {
        builder.host(Host::new(format!("5254{number:08x}")).with_loader(format!("{number}.efi")));
    }
    let policy = builder.build().unwrap();
    for number in [0_u32, 1, 40_000, 65_535] {
        let mac = [&[0x52, 0x54][..], &number.to_be_bytes()].concat();
        let facts = pxe_select::ClientFacts::new(&mac);
        let decision = policy.decide(&facts, pxe_select::Asked::BootFile);
        assert_eq!(decision.action.target(), Some(format!("{number}.efi").into()));
    }
}

#[test]
fn an_embedder_sees_a_line_for_each_fault() {
    fn embed() -> Result<Policy, Box<dyn std::error::Error>> {
        Ok(Policy::builder().host(Host::new("zz")).loader(Firmware::Bios, "").build()?)
    }
    let told = embed().expect_err("two faults").to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("loaders, "), "{told}");
    assert!(lines[1].starts_with("host entry 1, mac: "), "{told}");
}
