//! What the API shows, and what it changes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use pxe_dhcp::MessageType;
use serde_json::{Value, json};

use crate::common::{Client, Folder, PATIENCE};
use crate::wire::{Reply, Site, token, until};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const HOST: &str = "/api/v1/hosts/52:54:00:aa:00:01";

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("boot/ipxe.efi", b"MZ");
    folder.write("boot/other.efi", b"MZ");
    folder
}

/// Which file a UEFI machine is told.
fn file(site: &Site) -> String {
    let client = Client::new(&site.server, MAC, 7);
    let request = client.request(MessageType::REQUEST, Ipv4Addr::LOCALHOST);
    client.socket.send_to(&request, (Ipv4Addr::LOCALHOST, site.server.boot_server)).expect("sent");
    let mut buffer = [0; 2048];
    let (bytes, _) = client.socket.recv_from(&mut buffer).expect("a reply");
    let reply = pxe_dhcp::MessageView::parse_strict(&buffer[..bytes]).expect("well-formed");
    String::from_utf8(reply.boot_file().to_vec()).expect("text")
}

#[test]
fn a_host_that_is_edited_boots_otherwise_at_once_and_after_a_restart() {
    let folder = folder("admin-hosts");
    let mut site =
        Site::start(&folder, "[[host]]\nmac = \"52-54-00-AA-00-01\"\nloader = \"ipxe.efi\"\n");
    assert_eq!(file(&site), "ipxe.efi");
    assert_eq!(site.get(HOST).json()["origin"], "file");
    let put = site.send("PUT", HOST, &json!({ "loader": "other.efi" }));
    assert_eq!(put.status, 200, "{put:?}");
    let host = put.json();
    assert_eq!((&host["origin"], &host["edited_by"]), (&json!("page"), &json!("local")));
    assert_eq!(host["entry"]["loader"], "other.efi");
    assert_eq!(file(&site), "other.efi");
    site.server.expect("local set the host entry of 52:54:00:aa:00:01");

    let text = std::fs::read_to_string(folder.0.join("state/overrides.toml")).expect("written");
    assert!(
        text.contains("edited-by = \"local\"") && text.contains("loader = \"other.efi\""),
        "{text}"
    );
    drop(site);
    let site =
        Site::start(&folder, "[[host]]\nmac = \"52-54-00-AA-00-01\"\nloader = \"ipxe.efi\"\n");
    assert_eq!(file(&site), "other.efi", "it was kept");

    assert_eq!(site.ask("DELETE", HOST, "", "").status, 204);
    assert_eq!(file(&site), "ipxe.efi", "the configuration's counts again");
    assert_eq!(site.ask("DELETE", HOST, "", "").status, 409, "that one is not the page's");
    assert_eq!(site.get("/api/v1/hosts/52:54:00:aa:00:09").status, 404);
}

#[test]
fn what_is_wrong_is_told_at_once_and_changes_nothing() {
    let folder = folder("admin-faults");
    let site = Site::start(&folder, "");
    let put = site.send("PUT", HOST, &json!({ "laoder": "x", "boot": "no", "address": "1.2.3" }));
    assert_eq!(put.status, 422, "{put:?}");
    assert!(put.head.contains("application/problem+json"), "{}", put.head);
    let faults: Vec<Value> = put.json()["faults"].as_array().expect("faults").clone();
    let keys: Vec<_> = faults.iter().map(|fault| fault["key"].as_str().expect("a key")).collect();
    assert_eq!(keys.len(), 3, "{faults:?}");
    for key in ["host[1].laoder", "host[1].boot", "host[1].address"] {
        assert!(keys.contains(&key), "{keys:?}");
    }
    let unsafe_loader = site.send("PUT", HOST, &json!({ "loader": "../x" }));
    assert_eq!(unsafe_loader.status, 422, "{unsafe_loader:?}");
    for body in [json!(null), json!([]), json!("x"), json!({ "loader": { "a": null } })] {
        assert_eq!(site.send("PUT", HOST, &body).status, 422, "{body}");
    }
    let broken = site.ask("PUT", HOST, "Content-Type: application/json\r\n", "{");
    assert_eq!(broken.status, 400, "{broken:?}");
    assert_eq!(site.get("/api/v1/hosts").json(), json!([]));
    assert!(!folder.0.join("state/overrides.toml").exists());
    let large = format!("\"{}\"", "x".repeat(300_000));
    assert_eq!(site.ask("PUT", HOST, "Content-Type: application/json\r\n", &large).status, 413);
}

#[test]
fn rules_of_the_page_come_first_and_say_who_wrote_them() {
    let folder = folder("admin-rules");
    let site =
        Site::start(&folder, "[[rule]]\nwhen = { arch = [\"x64-uefi\"] }\nfile = \"ipxe.efi\"\n");
    let admin = token(&folder, "anna", "admin");
    let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {admin}\r\n");
    let rules = json!([{ "when": { "mac": "52:54:00:*" }, "file": "other.efi" }]);
    let put = site.ask("PUT", "/api/v1/rules", &headers, &rules.to_string());
    assert_eq!(put.status, 200, "{put:?}");
    let rules = put.json();
    assert_eq!((&rules[0]["origin"], &rules[0]["edited_by"]), (&json!("page"), &json!("anna")));
    assert_eq!((&rules[1]["origin"], &rules[1]["number"]), (&json!("file"), &json!(2)));
    assert_eq!(file(&site), "other.efi");
    let explained = site.ask(
        "POST",
        "/api/v1/explain",
        &headers,
        &json!({ "mac": "52-54-00-aa-00-01", "arch": "x64-uefi" }).to_string(),
    );
    let explained = explained.json();
    assert_eq!((&explained["action"], &explained["target"]), (&json!("file"), &json!("other.efi")));
    let reasons = explained["reasons"].to_string();
    assert!(reasons.contains("rule 1"), "{reasons}");
    assert_eq!(explained["entries"], json!([{ "kind": "rule", "number": 1, "origin": "page" }]));
    let mut check = crate::common::program();
    check.arg("--config").arg(folder.0.join("pxe.toml")).arg("check");
    let said = String::from_utf8(check.output().expect("it runs").stdout).expect("text");
    assert!(said.contains("edited         0 hosts, 1 rules in"), "{said}");
    let wrong = site.ask(
        "PUT",
        "/api/v1/rules",
        &headers,
        "[{\"when\":{\"arch\":[\"x64\"]},\"file\":\"a\"}]",
    );
    assert_eq!(wrong.status, 422, "{wrong:?}");
    assert!(wrong.body.contains("edited rule[1].when.arch"), "{wrong:?}");
    assert_eq!(
        site.ask("PUT", "/api/v1/rules", &headers, "[]").json().as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(file(&site), "ipxe.efi");
}

/// The value of `ETag`.
fn tag(reply: &Reply) -> String {
    let line = reply.head.lines().find_map(|line| line.strip_prefix("etag: "));
    line.unwrap_or_else(|| panic!("no ETag: {reply:?}")).to_owned()
}

#[test]
fn who_comes_second_does_not_undo_what_the_first_did() {
    let folder = folder("admin-editors");
    let site = Site::start(&folder, "");
    let admin = token(&folder, "anna", "admin");
    let send = |method: &str, path: &str, condition: &str, body: &str| {
        let headers = format!(
            "Content-Type: application/json\r\nAuthorization: Bearer {admin}\r\n{condition}\r\n"
        );
        site.ask(method, path, &headers, body)
    };
    // Both saw that there is no entry.
    let first = send("PUT", HOST, "If-None-Match: *", "{\"loader\":\"other.efi\"}");
    assert_eq!(first.status, 200, "{first:?}");
    let second = send("PUT", HOST, "If-None-Match: *", "{\"boot\":false}");
    assert_eq!(second.status, 412, "{second:?}");
    assert!(second.body.contains("already, by anna at 20"), "{second:?}");
    // Both saw the same entry.
    let seen = tag(&site.get(HOST));
    assert_eq!(seen, format!("\"{}\"", first.json()["version"].as_str().expect("a version")));
    let condition = format!("If-Match: {seen}");
    let first = send("PUT", HOST, &condition, "{\"hostname\":\"node1\"}");
    assert_eq!(first.status, 200, "{first:?}");
    for (method, body) in [("PUT", "{\"boot\":false}"), ("DELETE", "")] {
        let second = send(method, HOST, &condition, body);
        assert_eq!(second.status, 412, "{method}: {second:?}");
    }
    assert_eq!(site.get(HOST).json()["entry"]["hostname"], "node1");
    assert_eq!(send("DELETE", HOST, &format!("If-Match: {}", tag(&first)), "").status, 204);

    let rules = "/api/v1/rules";
    let condition = format!("If-Match: {}", tag(&site.get(rules)));
    let first = send("PUT", rules, &condition, "[{\"deny\":true}]");
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(send("PUT", rules, &condition, "[]").status, 412);
    assert_eq!(site.get(rules).json().as_array().map(Vec::len), Some(1));
    assert_eq!(send("PUT", rules, &format!("If-Match: {}", tag(&first)), "[]").status, 200);
}

#[test]
fn machines_are_listed_and_followed() {
    let folder = folder("admin-machines");
    let site = Site::start(&folder, "");
    let before = site.get("/api/v1/machines").json();
    assert_eq!(before["machines"], json!([]));
    let mut events = TcpStream::connect(site.page).expect("connect");
    events.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let ask = format!(
        "GET /api/v1/events?since={} HTTP/1.1\r\nHost: {}\r\n\r\n",
        before["sequence"], site.page
    );
    events.write_all(ask.as_bytes()).expect("sent");
    assert_eq!(file(&site), "ipxe.efi");
    let mut said = String::new();
    while !said.contains("52:54:00:aa:00:01") {
        let mut buffer = [0; 4096];
        let bytes = events.read(&mut buffer).expect("an event");
        assert!(bytes > 0, "it ended: {said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
    }
    assert!(said.contains("text/event-stream") && said.contains("event: machines"), "{said}");

    // Whoever was away goes on where they were.
    let mut again = TcpStream::connect(site.page).expect("connect");
    again.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let ask =
        format!("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nLast-Event-ID: 0\r\n\r\n", site.page);
    again.write_all(ask.as_bytes()).expect("sent");
    let mut said = String::new();
    while !said.contains("52:54:00:aa:00:01") {
        let mut buffer = [0; 4096];
        let bytes = again.read(&mut buffer).expect("an event");
        assert!(bytes > 0, "it ended: {said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
    }

    let list = |query: &str| site.get(&format!("/api/v1/machines{query}")).json();
    assert_eq!(list("")["machines"][0]["id"], "52:54:00:aa:00:01");
    assert_eq!(list("?q=00:AA")["machines"].as_array().map(Vec::len), Some(1));
    assert_eq!(list("?q=nothing")["machines"], json!([]));
    assert_eq!(list("?limit=0")["machines"], json!([]));
    for query in ["?limit=20001", "?verdict=fine", "?limit=x", "?other=1", "?offset=-1"] {
        assert_eq!(site.get(&format!("/api/v1/machines{query}")).status, 400, "{query}");
    }
    let story = site.get("/api/v1/machines/52:54:00:aa:00:01").json();
    assert!(story["entries"].as_array().is_some_and(|entries| !entries.is_empty()), "{story}");
    assert_eq!(site.get("/api/v1/machines/52:54:00:aa:00:09").status, 404);
}

#[test]
fn who_loses_the_token_hears_no_more() {
    let folder = folder("admin-listener");
    let site = Site::start(&folder, "");
    let reader = token(&folder, "bert", "read");
    let mut events = TcpStream::connect(site.page).expect("connect");
    events.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let ask = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {reader}\r\nConnection: close\r\n\r\n",
        site.page
    );
    events.write_all(ask.as_bytes()).expect("sent");
    let mut buffer = [0; 4096];
    let bytes = events.read(&mut buffer).expect("an answer");
    assert!(buffer[..bytes].starts_with(b"HTTP/1.1 200"), "{}", buffer[..bytes].escape_ascii());
    let mut remove = crate::common::program();
    remove.arg("--config").arg(folder.0.join("pxe.toml")).args(["token", "remove", "bert"]);
    assert!(remove.output().expect("it runs").status.success());
    assert_eq!(file(&site), "ipxe.efi", "something happens");
    let mut rest = String::new();
    events.read_to_string(&mut rest).expect("the end");
    assert!(!rest.contains("52:54:00:aa:00:01"), "{rest}");
}

#[test]
fn metrics_are_what_happened() {
    let folder = folder("admin-metrics");
    let site = Site::start(&folder, "");
    assert_eq!(file(&site), "ipxe.efi");
    // An answer leaves before it is told.
    let steps = "pxe_boot_steps_total{stage=\"acknowledged\",firmware=";
    let reply = until(|| Some(site.get("/metrics")).filter(|reply| reply.body.contains(steps)));
    assert_eq!(reply.status, 200);
    let value = |name: &str| {
        let line = reply.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{}", reply.body))
            .parse::<f64>()
            .expect("a number")
    };
    assert!(value("pxe_ready") > 0.5 && value("pxe_lease_store_up") > 0.5);
    assert!(value("pxe_journal_machines") > 0.5);
    for line in reply.body.lines().filter(|line| !line.starts_with('#')) {
        assert!(!line.contains("52:54") && line.starts_with("pxe_"), "{line}");
    }
    promtool(&reply.body);
}

/// Checks the text as Prometheus would read it, where its tool is installed.
fn promtool(text: &str) {
    use std::process::{Command, Stdio};
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut tool = match started {
        Ok(tool) => tool,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "promtool is missing: {error}");
            return println!("skipped: promtool is not installed");
        }
    };
    tool.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("written");
    let done = tool.wait_with_output().expect("it ends");
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn the_rest_is_shown() {
    let folder = folder("admin-rest");
    folder.write("boot/ipxe32.efi", b"text");
    let site = Site::start(&folder, "");
    let config = site.get("/api/v1/config").json();
    assert_eq!(config["dhcp"]["port"], site.server.dhcp);
    let loaders = site.get("/api/v1/loaders").json();
    let of = |firmware: &str| {
        let mut all = loaders.as_array().expect("a list").iter();
        all.find(|loader| loader["firmware"] == firmware).expect("listed").clone()
    };
    assert_eq!(of("x86-uefi")["trouble"], "it is no EFI program");
    assert_eq!(of("x86-uefi")["ok"], false);
    assert_eq!(site.get("/api/v1/images").json(), json!({ "images": [], "truncated": false }));
    assert_eq!(site.get("/api/v1/leases").json(), json!([]));
    assert_eq!(site.get("/api/v1/pools").json(), json!([]));
    let release =
        |address: &str| site.ask("DELETE", &format!("/api/v1/leases/{address}"), "", "").status;
    assert_eq!((release("192.0.2.1"), release("x")), (404, 400));
    let page: Reply = site.get("/");
    assert!(
        page.body.contains("\"assets/app.js") && !page.body.contains("<script>"),
        "{}",
        page.body
    );
    assert_eq!(site.get("/assets/app.js").status, 200);
    assert_eq!(site.get("/assets/..%2fCargo.toml").status, 404);
}
