//! Every snippet against its golden file in `tests/snippets`. `UPDATE_SNIPPETS=1` writes them anew; each is then to be
//! read against the source that its dialect's module names.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use pxe_select::{
    names,
    snippet::{BAIT, Dialect, Site, snippet},
};

const SERVER: &str = "192.0.2.5";
/// What fits a terminal and a mail. Commands that must stay in one line may be longer.
const COMMENT_COLUMNS_MAX: usize = 110;

fn site() -> Site<'static> {
    let server = [192, 0, 2, 5].into();
    Site::new(server).unwrap().with_network(server, 24).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snippets")
}

fn golden_name(dialect: Dialect, per_arch: bool) -> String {
    format!("{dialect}{}.txt", if per_arch { ".per-arch" } else { "" })
}

fn each() -> impl Iterator<Item = (Dialect, bool, String)> {
    let both = |dialect: &Dialect| [(*dialect, false), (*dialect, true)];
    let forms = Dialect::all().iter().flat_map(both);
    forms.map(|(dialect, per_arch)| (dialect, per_arch, snippet(dialect, &site(), per_arch)))
}

#[test]
fn snippets_are_their_golden_files() {
    let update = env::var_os("UPDATE_SNIPPETS").is_some();
    let mut wanted = BTreeSet::new();
    let mut different = Vec::new();
    for (dialect, per_arch, text) in each() {
        let name = golden_name(dialect, per_arch);
        let path = folder().join(&name);
        if update {
            fs::write(&path, &text).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != text {
            different.push(name.clone());
        }
        wanted.insert(name);
    }
    assert!(
        different.is_empty(),
        "not as in tests/snippets: {}; UPDATE_SNIPPETS=1 cargo test -p pxe-select --test snippets writes them anew",
        different.join(", ")
    );
    let present: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(present, wanted);
}

#[test]
fn every_snippet_says_what_a_reader_needs() {
    for (dialect, per_arch, text) in each() {
        for word in [" where ", " does ", " needs ", " iPXE ", " check "] {
            assert!(text.contains(word), "{dialect}: no{word}in\n{text}");
        }
        assert!(text.contains(SERVER), "{dialect}");
        assert!(text.is_ascii(), "{dialect}");
        let cannot = per_arch && !dialect.chooses_by_architecture();
        let said = |line: &str| line.trim_start_matches(['#', '!', '/']).starts_with(" cannot ");
        assert_eq!(text.lines().any(said), cannot, "{dialect}");
        for line in text.lines() {
            assert_eq!(line, line.trim_end(), "{dialect}");
            let comment = line.starts_with(['#', '!']) || line.starts_with("// ");
            assert!(!comment || line.len() <= COMMENT_COLUMNS_MAX, "{dialect}: {line}");
        }
    }
}

#[test]
fn names_are_given_by_architecture_where_the_product_can_choose() {
    let suffixed = ["_bios", "_ia32", "_uefi", "_aa64"].map(|suffix| format!("{BAIT}{suffix}"));
    for (dialect, per_arch, text) in each() {
        let chooses = per_arch && dialect.chooses_by_architecture();
        for name in &suffixed {
            assert_eq!(text.contains(name), chooses, "{dialect} {name}");
            assert_eq!(&*names::normalise(name.as_bytes()).unwrap().bytes, name.as_bytes());
        }
        // The one name serves those that no rule fits.
        let plain = text.replace(&format!("{BAIT}_"), "");
        assert!(plain.contains(BAIT), "{dialect}");
    }
}

#[test]
fn option_60_is_never_set() {
    for (dialect, _, text) in each() {
        for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', '!', '/'])) {
            for wrong in ["OptionId 60", "code=60", "option 60", "vendor-class-identifier"] {
                assert!(!line.contains(wrong), "{dialect}: {line}");
            }
        }
    }
}

#[test]
fn a_configured_bait_is_the_one_named() {
    let site = site().with_bait("iventoy_loader_16000").unwrap();
    for dialect in Dialect::all() {
        for per_arch in [false, true] {
            let text = snippet(*dialect, &site, per_arch);
            assert!(text.contains("iventoy_loader_16000"), "{dialect}");
            assert!(!text.contains(BAIT), "{dialect}");
        }
    }
}

#[test]
fn without_a_network_the_reader_is_told_what_to_put_there() {
    let site = Site::new([192, 0, 2, 5].into()).unwrap();
    for (dialect, place) in [
        (Dialect::Windows, "$Scope  = 'SCOPE'"),
        (Dialect::Mikrotik, "[find] next-server=192.0.2.5"),
        (Dialect::Juniper, "NETWORK/PREFIX"),
    ] {
        let text = snippet(dialect, &site, false);
        assert!(text.contains(place), "{text}");
        assert!(!text.contains("192.0.2.0"), "{text}");
    }
}

#[test]
fn products_that_are_dnsmasq_inside_say_the_same_as_dnsmasq() {
    for per_arch in [false, true] {
        let lines = |text: &str| -> Vec<String> {
            let config = text.lines().map(|line| line.trim().trim_matches([',', '"']));
            config.filter(|line| line.starts_with("dhcp-")).map(str::to_owned).collect()
        };
        let dnsmasq = lines(&snippet(Dialect::Dnsmasq, &site(), per_arch));
        assert_eq!(dnsmasq.len(), if per_arch { 11 } else { 2 });
        assert_eq!(lines(&snippet(Dialect::Pihole, &site(), per_arch)), dnsmasq);
    }
}
