//! Health, as load balancers and monitoring ask for it.

use std::process::Command;

use crate::client::Client;
use crate::common::Folder;
use crate::stage::{SUBNET, enter, serve};
use crate::wire::{Site, ask, token, until};

#[test]
fn a_server_that_serves_is_alive_and_ready() {
    let folder = Folder::new("admin-health");
    let site = Site::start(&folder, "");
    for path in ["/healthz", "/readyz"] {
        let reply = site.get(path);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.json()["ok"], true);
    }
    let names: Vec<String> = site.get("/readyz").json()["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| part["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names, ["loops", "sockets", "files"]);
}

#[test]
fn a_store_that_is_away_makes_health_red_until_it_is_back() {
    if !enter("health::a_store_that_is_away_makes_health_red_until_it_is_back") {
        return;
    }
    let folder = Folder::new("admin-away");
    token(&folder, "monitor", "read");
    let page = ([10, 9, 0, 1], 8081).into();
    let mut server = serve(&folder, &format!("[admin]\nlisten = \"{page}\"\n{SUBNET}"));
    let ready = || ask(page, "GET", "/readyz", "", "");
    assert_eq!(ready().status, 200);
    limit_files(server.pid(), "4096");
    let mut machine = Client::new(&server, 2);
    let offer = machine.discover();
    let request = machine.taking(&offer);
    machine.ask_in_vain(&request);
    server.expect("the lease store failed");
    let red = until(|| (ready().status == 503).then(ready));
    let json = red.json();
    let store =
        json["parts"].as_array().expect("parts").iter().find(|part| part["name"] == "store");
    let store = store.expect("the store has a part");
    assert!(store["ok"] == false && store["reason"].as_str().is_some_and(|why| !why.is_empty()));
    assert_eq!(ask(page, "GET", "/healthz", "", "").status, 200, "it need not be started anew");
    limit_files(server.pid(), "unlimited");
    until(|| (ready().status == 200).then_some(()));
}

fn limit_files(pid: u32, bytes: &str) {
    let pid = pid.to_string();
    let limit = format!("--fsize={bytes}:unlimited");
    let status = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(status.expect("prlimit runs: it is in util-linux").success());
}
