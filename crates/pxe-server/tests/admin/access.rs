//! Who is let in.

use crate::common::{Folder, free_ports, program};
use crate::wire::{Site, ask, token};

/// Any path that is not for everybody; what is there does not matter.
const CLOSED: &str = "/api/v1/nothing";

#[test]
fn on_the_loopback_anybody_looks_and_strangers_pages_do_not() {
    let folder = Folder::new("admin-local");
    let site = Site::start(&folder, "");
    let status =
        |method: &str, headers: &str, body: &str| site.ask(method, CLOSED, headers, body).status;
    assert_eq!(status("GET", "", ""), 404, "let in");
    assert_eq!(status("GET", "Host: evil.example:8081\r\n", ""), 403, "DNS rebinding");
    assert_eq!(status("GET", "Sec-Fetch-Site: cross-site\r\n", ""), 403);
    let json = "Content-Type: application/json\r\n";
    assert_eq!(status("PUT", json, "{}"), 404, "let in");
    assert_eq!(status("PUT", &format!("{json}Origin: http://evil.example\r\n"), "{}"), 403);
    assert_eq!(status("PUT", "Content-Type: text/plain\r\n", "{}"), 415, "a form could send it");
    assert_eq!(status("POST", "", "{}"), 415);
}

#[test]
fn an_admin_token_once_made_is_needed_to_change_things() {
    let folder = Folder::new("admin-token");
    let site = Site::start(&folder, "");
    let put = |token: &str| {
        let headers = match token {
            "" => "Content-Type: application/json\r\n".to_owned(),
            token => format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n"),
        };
        site.ask("PUT", CLOSED, &headers, "{}").status
    };
    assert_eq!(put(""), 404, "let in");
    let [admin, reader] =
        [("anna", "admin"), ("bert", "read")].map(|(name, role)| token(&folder, name, role));
    assert_eq!(put(""), 401);
    assert_eq!(put(&admin), 404, "let in");
    assert_eq!(put(&reader), 403);
    assert_eq!(site.get(CLOSED).status, 404, "looking needs none here");
    let wrong = format!("Authorization: Bearer {}x\r\n", &admin[..admin.len() - 1]);
    assert_eq!(site.ask("GET", CLOSED, &wrong, "").status, 401);
    let file = std::fs::read_to_string(folder.0.join("state/tokens")).expect("there");
    assert!(file.contains("anna admin $argon2id$") && !file.contains(&admin), "{file}");
}

#[test]
fn guessing_is_slowed_down_and_the_right_token_still_works() {
    let folder = Folder::new("admin-guess");
    let site = Site::start(&folder, "");
    let right = token(&folder, "anna", "admin");
    let with = |token: &str| {
        site.ask("GET", CLOSED, &format!("Authorization: Bearer {token}\r\n"), "").status
    };
    assert_eq!(with(&right), 404);
    let seen: Vec<u16> = (0..12).map(|number| with(&format!("pxe_nobody_{number}"))).collect();
    assert_eq!(seen[..10], [401; 10], "{seen:?}");
    assert_eq!(seen[10..], [429; 2], "{seen:?}");
    assert_eq!(with(&right), 404, "whoever proved right before is not locked out");
}

#[test]
fn off_the_loopback_a_token_is_needed_to_start_and_to_look() {
    let folder = Folder::new("admin-open");
    let (dhcp, boot_server, tftp) = free_ports();
    let page = std::net::SocketAddr::from(([0, 0, 0, 0], crate::wire::free_port()));
    let text = format!(
        "interfaces = [\"lo\"]\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n[http]\nenabled = false\n\
         [tftp]\nport = {tftp}\n[admin]\nlisten = \"{page}\"\n"
    );
    folder.write("pxe.toml", text.as_bytes());
    let mut serve = program();
    serve.arg("--config").arg(folder.0.join("pxe.toml"));
    let refused = serve.output().expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("admin.listen") && said.contains("pxe-server token add"), "{said}");

    let token = token(&folder, "anna", "read");
    let mut server =
        crate::common::Server::start(&folder, &format!("[admin]\nlisten = \"{page}\"\n"));
    server.expect("is without TLS");
    let page = ([127, 0, 0, 1], page.port()).into();
    assert_eq!(ask(page, "GET", CLOSED, "", "").status, 401);
    assert_eq!(ask(page, "GET", "/healthz", "", "").status, 200);
    let headers = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(ask(page, "GET", CLOSED, &headers, "").status, 404, "let in");
}

#[test]
fn every_answer_tells_browsers_what_they_may_not_do() {
    let folder = Folder::new("admin-headers");
    let mut site = Site::start(&folder, "");
    site.server.expect(&format!("page http://{}/", site.page));
    for path in ["/healthz", CLOSED] {
        let head = site.get(path).head.to_ascii_lowercase();
        for part in
            ["frame-ancestors 'none'", "x-content-type-options: nosniff", "default-src 'none'"]
        {
            assert!(head.contains(part), "{path}: {head}");
        }
        assert!(!head.contains("access-control"), "{head}");
    }
    let long = format!("X: {}\r\n", "x".repeat(20_000));
    assert_eq!(site.ask("GET", "/healthz", &long, "").status, 431);
}
