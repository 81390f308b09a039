//! Doctor from the page, on the loopback.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Folder, PATIENCE};
use crate::wire::{Site, token};

const PLACE: &str = "/api/v1/doctor";

#[test]
fn doctor_runs_once_at_a_time_and_its_report_stays() {
    let folder = Folder::new("admin-doctor");
    let mut site = Site::start(&folder, "");
    let none = json!({ "running_since": null, "made": null, "report": null });
    assert_eq!(site.get(PLACE).json(), none);
    for body in [json!({ "mac": "x" }), json!({ "server": "x" }), json!({ "what": 1 })] {
        assert_eq!(site.send("POST", PLACE, &body).status, 422, "{body}");
    }
    assert_eq!(site.get(PLACE).json(), none, "nothing began");
    let begun = site.send("POST", PLACE, &json!({ "mac": "52:54:00:aa:00:01" }));
    assert_eq!(begun.status, 202, "{begun:?}");
    let since = begun.json()["running_since"].as_u64().expect("a time");
    assert_eq!(site.send("POST", PLACE, &json!({})).status, 409, "one at a time");
    assert_eq!(site.get(PLACE).json()["running_since"], since);
    site.server.expect("local runs doctor");
    // It takes ten seconds of an idle machine.
    let deadline = Instant::now() + 4 * PATIENCE;
    let ended = loop {
        let it = site.get(PLACE).json();
        if it["running_since"].is_null() {
            break it;
        }
        assert!(Instant::now() < deadline, "{it}");
        thread::sleep(Duration::from_millis(200));
    };
    assert!(ended["made"].as_u64().expect("a time") >= since, "{ended}");
    let report = &ended["report"];
    let is_clean = report["is_clean"].as_bool().expect("a verdict");
    let is_fault = |finding: &Value| finding["is_fault"] == true;
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(is_clean, !findings.iter().any(is_fault), "{report}");
    assert!(findings.iter().all(|it| !it["advice"].as_str().expect("advice").is_empty()));
    assert_eq!(report["segments"][0]["interface"], "lo", "{report}");
    assert_eq!(report["segments"][0]["mac"], "52:54:00:aa:00:01", "{report}");
    assert_eq!(site.get("/healthz").status, 200);
}

#[test]
fn whoever_may_only_look_reads_and_does_not_run_it() {
    let folder = Folder::new("admin-doctor-roles");
    let site = Site::start(&folder, "");
    token(&folder, "anna", "admin");
    let reader = token(&folder, "bert", "read");
    let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {reader}\r\n");
    assert_eq!(site.ask("POST", PLACE, &headers, "{}").status, 403);
    let seen = site.ask("GET", PLACE, &headers, "").json();
    assert!(seen["running_since"].is_null(), "{seen}");
}
