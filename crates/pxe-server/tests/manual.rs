//! What the manual shows is what the program takes.
// The manual is that of the program with everything in it.
#![cfg(feature = "http")]

use std::fs;
use std::path::Path;

use pxe_image::menu::{Client as MenuClient, ImageRef, Kind, Menu, MenuItem, Places, Renderer};
use pxe_image::{BootEntry, How, Piece};
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
    for (name, count) in [
        ("README.md", 1),
        ("docs/configuration.md", 1),
        ("docs/tftp.md", 4),
        ("docs/http.md", 4),
        ("docs/dhcp.md", 3),
        ("docs/menus.md", 2),
    ] {
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
    assert_keys_are_explained_in(section, section, at_least);
}

fn assert_keys_are_explained_in(section: &str, page_name: &str, at_least: usize) {
    // An unknown key is answered with a list of the known ones.
    let text = format!("[{section}]\ncompletely_unknown = 1\n");
    let faults = Config::parse(&text).expect_err("a fault");
    let unknown = faults.list.iter().find(|fault| fault.key.ends_with("completely_unknown"));
    let remedy = &unknown.expect("a fault of the key").remedy;
    let known = remedy.strip_prefix("known here: ").expect("a list");
    let name = format!("docs/{page_name}.md");
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
fn every_key_of_menu_is_explained() {
    assert_keys_are_explained_in("menu", "menus", 4);
}

/// The first column of the tables of variables, with the second.
fn variables(manual: &str) -> Vec<(&str, &str)> {
    let rows = manual.split("## Own templates").nth(1).expect("a section").lines();
    rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        Some((name, cells.next()?))
    })
    .collect()
}

/// Names that are not there are faults, and templates are tried with samples of everything.
#[test]
fn every_variable_of_a_template_is_there() {
    let manual = page("docs/menus.md");
    let variables = variables(&manual);
    assert!(variables.len() > 35, "{variables:?}");
    // A line for each, so that a fault says which.
    let line = |(name, how): &(&str, &str)| match *how {
        _ if !name.starts_with("item.") => format!("{{% if {name} %}}{{% endif %}}\n"),
        "any" => format!("{{% for item in items %}}{{% if {name} %}}{{% endif %}}{{% endfor %}}\n"),
        how => format!(
            "{{% for item in items %}}{{% if item.how == \"{how}\" and {name} %}}{{% endif %}}{{% endfor %}}\n"
        ),
    };
    let template: String = variables.iter().map(line).collect();
    if let Err(fault) = Renderer::new().with_template(Kind::Ipxe, &template) {
        let name = fault.line.and_then(|line| variables.get(line - 1));
        panic!("{name:?}: {fault}");
    }
    let wrong = "{% for item in items %}{% if item.kernl %}{% endif %}{% endfor %}";
    assert!(Renderer::new().with_template(Kind::Ipxe, wrong).is_err(), "it would find nothing");
}

#[test]
fn every_variable_of_an_item_is_explained() {
    let template =
        "{% for item in items %}{% for key in item %}item.{{ key }}\n{% endfor %}{% endfor %}";
    let renderer = Renderer::new().with_template(Kind::Ipxe, template).expect("a sound template");
    let piece = || Piece::Root("x".to_owned());
    let initrds = Vec::new();
    let hows = [
        How::Linux { kernel: piece(), initrds, cmdline: String::new() },
        How::Wimboot { wim: piece(), files: Vec::new() },
        How::Chain { program: piece(), arguments: String::new() },
        How::Disk { cd: true },
    ];
    let entries = hows.map(|how| BootEntry::new("x", "x", how));
    let mut menu = Menu::new("x", Places::over_http("http://192.0.2.5"), MenuClient::default());
    let image = ImageRef::new("x.iso", "x");
    menu.items = entries.iter().map(|entry| MenuItem::of_image(image, entry)).collect();
    let keys = renderer.render(Kind::Ipxe, &menu).expect("a text");
    let manual = page("docs/menus.md");
    let known: Vec<&str> = variables(&manual).into_iter().map(|(name, _)| name).collect();
    assert!(keys.lines().count() > 30, "{keys}");
    for key in keys.lines() {
        assert!(known.contains(&key), "{key} is not in docs/menus.md");
    }
}

#[test]
fn every_key_of_http_is_explained() {
    assert_keys_are_explained("http", 6);
}
