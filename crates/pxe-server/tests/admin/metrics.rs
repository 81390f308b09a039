//! What the dashboard, the alert rules and the manual ask for is what the real program says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pxe_dhcp::MessageType;
use pxe_server::engine::STAGE_WORDS;

use crate::common::{self, Fetched, Folder, fetch};
use crate::stage::{SUBNET, enter, serve};
use crate::wire::{Site, ask, until};

const PAGES: [&str; 3] = ["grafana-dashboard.json", "alerts.yml", "admin.md"];
/// Only a server that gives addresses has these.
const OF_POOLS: &str = "pxe_lease_pool_";
/// What Prometheus adds.
const ADDED: [&str; 3] = ["instance", "job", "le"];

/// Names with the labels that they have, and the values of these.
type Said = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// A name with what must hold of its labels: name, operator, value.
type Wanted = (String, Vec<(String, String, String)>);

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    // Expressions are texts of JSON there.
    fs::read_to_string(path).expect("a page").replace("\\\"", "\"")
}

/// What `/metrics` says.
fn said(text: &str) -> Said {
    let mut said = Said::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (sample, _) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?} is no sample"));
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let known = said.entry(name.to_owned()).or_default();
        for (label, _, value) in matchers(labels.trim_end_matches('}')) {
            known.entry(label).or_default().insert(value);
        }
    }
    said
}

/// `label="value",other=~"value"`.
fn matchers(text: &str) -> Vec<(String, String, String)> {
    let mut matchers = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        let (value, behind) = after.split_once('"').expect("the end of a value");
        let before = before.trim_start_matches([',', ' ']);
        let at = before.find(['=', '!']).expect("an operator");
        let (label, operator) = before.split_at(at);
        matchers.push((label.to_owned(), operator.to_owned(), value.to_owned()));
        rest = behind;
    }
    matchers
}

/// Every metric that a page names.
fn wanted(text: &str) -> Vec<Wanted> {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let places = text.match_indices("pxe_").filter(|(at, _)| !text[..*at].ends_with(is_part));
    let metric = |(at, _): (usize, &str)| {
        let end = text[at..].find(|letter| !is_part(letter)).map_or(text.len(), |end| at + end);
        let braces = text[end..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
        (text[at..end].to_owned(), braces.map_or_else(Vec::new, |(inside, _)| matchers(inside)))
    };
    // Tokens begin alike.
    places
        .map(metric)
        .filter(|(name, _)| name != "pxe_anna_" && name != "pxe_prometheus_")
        .collect()
}

/// Checks what `page` wants of the metrics that `ours` chooses; how many there were.
fn check(page_name: &str, said: &Said, ours: impl Fn(&str) -> bool) -> usize {
    let text = page(page_name);
    let wanted: Vec<Wanted> = wanted(&text).into_iter().filter(|(name, _)| ours(name)).collect();
    for (name, matchers) in &wanted {
        // A table of the manual names histograms as a whole.
        let labels = said.get(name).or_else(|| said.get(&format!("{name}_bucket")));
        let labels = labels.unwrap_or_else(|| panic!("{page_name}: there is no {name}: {said:?}"));
        for (label, operator, value) in matchers {
            if ADDED.contains(&&**label) {
                continue;
            }
            let known = labels.get(label);
            let known = known.unwrap_or_else(|| panic!("{page_name}: {name} has no {label}"));
            let values: Vec<&str> = match operator.as_str() {
                "=" | "!=" => vec![value],
                _ => value.split('|').collect(),
            };
            for value in values {
                let exists = match label.as_str() {
                    "stage" => STAGE_WORDS.contains(&value),
                    _ => known.contains(value),
                };
                assert!(exists, "{page_name}: {name} has no {label}={value:?}");
            }
        }
    }
    wanted.len()
}

/// Labels that are summed by.
fn grouped(text: &str) -> BTreeSet<&str> {
    let lists = text.split("by (").skip(1).filter_map(|rest| rest.split_once(')'));
    let labels = lists.flat_map(|(list, _)| list.split(',').map(str::trim));
    labels.filter(|label| !ADDED.contains(label)).collect()
}

#[test]
fn every_metric_that_is_asked_for_is_said_after_a_boot() {
    let folder = Folder::new("admin-metrics");
    folder.write("boot/ipxe.efi", &[7; 3_000]);
    let site = Site::start(&folder, "");
    let machine = common::Client::new(&site.server, [0x52, 0x54, 0, 0xaa, 0, 1], 7);
    // Asked twice: a repetition.
    for _ in 0..2 {
        machine.boot_file(MessageType::DISCOVER, site.server.dhcp);
    }
    machine.boot_file(MessageType::REQUEST, site.server.boot_server);
    assert!(matches!(fetch(site.server.tftp, b"ipxe.efi"), Fetched::Whole(_)));
    let taken = "pxe_boot_loader_transfer_seconds_count{firmware=\"x64-uefi\"} 1";
    let text = until(|| {
        let text = site.get("/metrics").body;
        text.lines().any(|line| line == taken).then_some(text)
    });
    let said = said(&text);
    let labels: BTreeSet<&str> =
        said.values().flat_map(BTreeMap::keys).map(String::as_str).collect();
    for name in PAGES {
        let found = check(name, &said, |metric| !metric.starts_with(OF_POOLS));
        assert!(found > 5, "{name}: {found}");
        for label in grouped(&page(name)) {
            let is_known = labels.contains(label) || matches!(label, "network" | "state");
            assert!(is_known, "{name}: nothing has a label {label}");
        }
    }
}

#[test]
fn pools_are_said_where_addresses_are_given() {
    if !enter("metrics::pools_are_said_where_addresses_are_given") {
        return;
    }
    let folder = Folder::new("admin-metrics-pools");
    crate::wire::token(&folder, "monitor", "read");
    let page = ([10, 9, 0, 1], 8081).into();
    let _server = serve(&folder, &format!("[admin]\nlisten = \"{page}\"\n{SUBNET}"));
    let token = crate::wire::token(&folder, "prometheus", "read");
    let header = format!("Authorization: Bearer {token}\r\n");
    let said = said(&ask(page, "GET", "/metrics", &header, "").body);
    for name in PAGES {
        assert!(check(name, &said, |metric| metric.starts_with(OF_POOLS)) > 0, "{name}");
    }
    let labels = &said["pxe_lease_pool_addresses"];
    assert!(labels.contains_key("network") && labels["state"].contains("free"), "{labels:?}");
}
