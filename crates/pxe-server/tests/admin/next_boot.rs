//! Orders for the next boot, through the API.

use serde_json::json;

use crate::common::Folder;
use crate::wire::{Site, token};

const PLACE: &str = "/api/v1/next-boot/52-54-00-AA-00-01";
const MAC: &str = "52:54:00:aa:00:01";

#[test]
fn an_order_is_given_shown_survives_a_restart_and_is_taken_back() {
    let folder = Folder::new("admin-next-boot");
    let mut site = Site::start(&folder, "");
    assert_eq!(site.get("/api/v1/next-boot").json(), json!([]));
    let put = site.send("PUT", PLACE, &json!({ "what": "script x.ipxe", "once": "delivered" }));
    assert_eq!(put.status, 200, "{put:?}");
    let order = put.json();
    // An explanation knows of it; a host that must not boot otherwise, does.
    let described = json!({ "mac": MAC, "arch": "x64-uefi", "ipxe": true });
    let explained = site.send("POST", "/api/v1/explain", &described).json();
    assert_eq!((&explained["next_boot"], &explained["target"]), (&order, &json!("x.ipxe")));
    let fault = explained["fault"].as_str().unwrap_or_default();
    assert!(fault.starts_with("there is no x.ipxe in "), "{explained}");
    let other = json!({ "mac": "52:54:00:aa:00:02", "arch": "x64-uefi", "ipxe": true });
    let explained = site.send("POST", "/api/v1/explain", &other).json();
    assert_eq!(
        (&explained["next_boot"], &explained["target"]),
        (&json!(null), &json!("menu.ipxe"))
    );
    assert_eq!((&explained["fault"], &explained["note"]), (&json!(null), &json!(null)));
    assert_eq!(
        (&order["mac"], &order["what"], &order["once"]),
        (&json!(MAC), &json!("script x.ipxe"), &json!("delivered"))
    );
    assert!(order["given"].as_u64().expect("a time") > 1_600_000_000_000, "{order}");
    site.server.expect(&format!("local ordered script x.ipxe for the next boot of {MAC}"));
    drop(site);

    let site = Site::start(&folder, "");
    assert_eq!(site.get("/api/v1/next-boot").json(), json!([order]));
    assert_eq!(site.get(&format!("/api/v1/next-boot?mac={MAC}")).json(), json!([order]));
    assert_eq!(site.get("/api/v1/next-boot?mac=52:54:00:aa:00:02").json(), json!([]));
    let menu = site.send("PUT", PLACE, &json!({ "what": "menu" })).json();
    assert_eq!((&menu["what"], &menu["once"]), (&json!("menu"), &json!("done")), "the default");
    assert_eq!(site.get("/api/v1/next-boot").json(), json!([menu]), "the later one counts");
    assert_eq!(site.ask("DELETE", PLACE, "", "").status, 204);
    assert_eq!(site.ask("DELETE", PLACE, "", "").status, 404);
    assert_eq!(site.get("/api/v1/next-boot").json(), json!([]));
}

#[test]
fn an_explanation_tells_of_an_image_that_is_not_there_and_of_an_inventory() {
    let folder = Folder::new("admin-next-boot-image");
    folder.write("boot/ipxe.efi", &[7; 100]);
    let inventory =
        "[boot_api]\nurl = \"http://127.0.0.1:9\"\n[loaders]\nx64-uefi = \"ipxe.efi\"\n";
    let site = Site::start(&folder, inventory);
    let put = site.send("PUT", PLACE, &json!({ "what": "image gone.iso" }));
    assert_eq!(put.status, 200, "{put:?}");
    for ipxe in [false, true] {
        let described = json!({ "mac": MAC, "arch": "x64-uefi", "ipxe": ipxe });
        let explained = site.send("POST", "/api/v1/explain", &described).json();
        let fault = explained["fault"].as_str().unwrap_or_default();
        let words = "the machine cannot boot what it is meant to: there is no image gone.iso;";
        assert!(fault.starts_with(words), "{explained}");
        let note = explained["note"].as_str().unwrap_or_default();
        assert!(note.contains("was not asked"), "{explained}");
    }
}

#[test]
fn what_cannot_be_booted_is_not_ordered() {
    let folder = Folder::new("admin-next-boot-faults");
    let site = Site::start(&folder, "");
    for body in [
        json!({}),
        json!({ "what": "" }),
        json!({ "what": "image" }),
        json!({ "what": "menu", "once": "never" }),
        json!({ "what": "menu", "twice": true }),
        json!({ "what": "script ../x" }),
        json!({ "what": "image a.iso\nonce delivered" }),
        json!({ "what": "script http://192.0.2.9/x.ipxe", "once": "delivered" }),
        json!({ "what": format!("image {}", "x".repeat(5_000)) }),
    ] {
        let put = site.send("PUT", PLACE, &body);
        assert_eq!(put.status, 422, "{body}: {put:?}");
    }
    let nobody = site.send("PUT", "/api/v1/next-boot/x", &json!({ "what": "menu" }));
    assert_eq!(nobody.status, 400, "{nobody:?}");
    assert_eq!(site.get("/api/v1/next-boot?mac=x").status, 400);
    assert_eq!(site.get("/api/v1/next-boot").json(), json!([]));
}

#[test]
fn whoever_may_only_look_orders_nothing() {
    let folder = Folder::new("admin-next-boot-roles");
    let site = Site::start(&folder, "");
    token(&folder, "anna", "admin");
    let reader = token(&folder, "bert", "read");
    let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {reader}\r\n");
    assert_eq!(site.ask("PUT", PLACE, &headers, r#"{"what":"menu"}"#).status, 403);
    assert_eq!(site.ask("DELETE", PLACE, &headers, "").status, 403);
    assert_eq!(site.ask("GET", "/api/v1/next-boot", &headers, "").json(), json!([]));
}
