//! What the manual shows is what the program takes.
// The manual is that of the program with everything in it.
#![cfg(feature = "http")]

use std::fs;
use std::path::Path;

use pxe_server::addresses;
use pxe_server::config::Config;
use pxe_server::content::Loaders;
use pxe_server::policy;

fn page(name: &str) -> String {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(top.join(name)).expect("a page")
}

/// The TOML examples of a page, in the order they stand there.
fn examples(page: &str) -> Vec<&str> {
    let blocks = page.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().expect("an end")).collect()
}

#[test]
fn every_example_of_a_configuration_is_accepted() {
    for (name, count) in
        [("README.md", 1), ("docs/tftp.md", 4), ("docs/http.md", 4), ("docs/dhcp.md", 3)]
    {
        let page = page(name);
        let examples = examples(&page);
        assert_eq!(examples.len(), count, "{name}");
        for text in examples {
            let config = Config::parse(text).unwrap_or_else(|faults| panic!("{name}: {faults}"));
            let built = policy::build(&config, &Loaders::default());
            built.unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
            let built = addresses::build(&config);
            built.unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        }
    }
}

fn assert_keys_are_explained(section: &str, at_least: usize) {
    // An unknown key is answered with a list of the known ones.
    let text = format!("[{section}]\ncompletely_unknown = 1\n");
    let faults = Config::parse(&text).expect_err("a fault");
    let unknown = faults.list.iter().find(|fault| fault.key.ends_with("completely_unknown"));
    let remedy = &unknown.expect("a fault of the key").remedy;
    let known = remedy.strip_prefix("known here: ").expect("a list");
    let name = format!("docs/{section}.md");
    let manual = page(&name);
    let keys: Vec<&str> = known.split(", ").collect();
    assert!(keys.len() >= at_least, "{keys:?}");
    for key in keys {
        let table = format!("| `{key}` |");
        let array = format!("| `[[{section}.{key}]]` |");
        assert!(manual.contains(&table) || manual.contains(&array), "{key} is not in {name}");
    }
}

#[test]
fn every_key_of_tftp_is_explained() {
    assert_keys_are_explained("tftp", 11);
}

#[test]
fn every_key_of_dhcp_is_explained() {
    assert_keys_are_explained("dhcp", 9);
}

#[test]
fn every_key_of_a_subnet_is_explained() {
    let text = "[[dhcp.subnet]]\nnetwork = \"10.0.0.0/8\"\ncompletely_unknown = 1\n\
                [[dhcp.subnet.reservation]]\nmac = \"52:54:00:aa:00:01\"\naddress = \"10.0.0.1\"\nunknown = 1\n\
                [[dhcp.class]]\nwhen = { mac = \"52:*\", unknown = 1 }\n";
    let faults = Config::parse(text).expect_err("faults");
    let manual = page("docs/dhcp.md");
    let lists = faults.list.iter().filter_map(|it| it.remedy.strip_prefix("known here: "));
    let keys: Vec<&str> = lists.flat_map(|list| list.split(", ")).collect();
    assert!(keys.len() >= 24, "{faults}");
    for key in keys {
        let is_there = [format!("`{key}`"), format!("`[[dhcp.subnet.{key}]]`")];
        assert!(is_there.iter().any(|it| manual.contains(it)), "{key} is not in docs/dhcp.md");
    }
}

#[test]
fn every_key_of_http_is_explained() {
    assert_keys_are_explained("http", 6);
}
