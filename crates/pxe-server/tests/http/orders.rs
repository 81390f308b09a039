//! What one machine boots the next time: ordered by the command, given until it is spent.

use std::fs;
use std::time::Duration;

use crate::common::{Client, Folder, Server, program};
use crate::wire::{ask, get};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const TEXT: &str = "52:54:00:aa:00:01";

const CONFIG: &str = "[[host]]\nmac = \"52:54:00:aa:00:01\"\nseed = \"node\"\nboot = false\n";

/// What `next-boot` says with these words, and whether it was content.
fn next_boot(folder: &Folder, words: &[&str]) -> (String, bool) {
    let config = folder.0.join("pxe.toml");
    let output = program()
        .arg("--config")
        .arg(config)
        .arg("next-boot")
        .args(words)
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).expect("text"), output.status.success())
}

/// The machine hears nothing from us.
fn is_ignored(server: &Server) -> bool {
    let client = Client::new(server, MAC, 7);
    let discover = client.request(pxe_dhcp::MessageType::DISCOVER, [0, 0, 0, 0].into());
    client.socket.send_to(&discover, ("127.0.0.1", server.dhcp)).expect("send");
    client.socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a time");
    client.socket.recv_from(&mut [0; 2048]).is_err()
}

fn post(server: &Server, path: &str) -> u16 {
    ask(server.http, "POST", path, "Content-Length: 0\r\n").status()
}

/// What its seed says, as soon as it is known whose address that is.
fn done_path(server: &Server) -> String {
    let done = loop {
        let reply = get(server.http, "/seed/52-54-00-aa-00-01/done");
        if reply.status() == 200 {
            break reply.text().to_owned();
        }
    };
    let base = format!("http://127.0.0.1:{}", server.http);
    done.strip_prefix(&base).expect("our URL").to_owned()
}

#[test]
fn an_order_stands_until_the_machine_says_that_it_is_done() {
    let folder = Folder::new("orders");
    folder.write("boot/install.ipxe", b"#!ipxe\necho install\n");
    folder.write("seeds/node/done", b"{{ done }}");
    let mut server = Server::start(&folder, CONFIG);
    assert!(is_ignored(&server));
    server.expect("52:54:00:aa:00:01 denied: ");
    let given = next_boot(&folder, &[TEXT, "script", "install.ipxe"]);
    assert_eq!(given, ("52:54:00:aa:00:01 script install.ipxe, once done\n".to_owned(), true));
    // It goes before `boot = false`, as often as the machine tries.
    let url = format!("http://127.0.0.1:{}/boot/install.ipxe", server.http);
    let client = Client::new(&server, MAC, 7);
    for _ in 0..2 {
        assert_eq!(client.script_url(server.dhcp), url);
    }
    client.introduce(server.boot_server);
    drop(client);
    let first = done_path(&server);
    assert_eq!(get(server.http, "/boot/install.ipxe").status(), 200);
    // The token is that of this order, also for a server that was started anew.
    drop(server);
    let mut server = Server::start(&folder, CONFIG);
    assert_eq!(get(server.http, &first).status(), 405);
    assert_eq!(post(&server, "/done?mac=52-54-00-aa-00-01"), 400);
    let forged = format!("/done?mac=52-54-00-aa-00-01&token={}", "0".repeat(32));
    assert_eq!(post(&server, &forged), 403);
    server.expect("shows a token that is not of the order for its next boot");
    assert!(next_boot(&folder, &[TEXT]).0.contains("install.ipxe"));
    assert_eq!(post(&server, &first), 200);
    server.expect("52:54:00:aa:00:01 done: it says so, and the order for its next boot is spent");
    assert_eq!(next_boot(&folder, &["list"]), ("no machine has an order\n".to_owned(), true));
    assert_eq!(post(&server, &first), 200);
    server.expect("52:54:00:aa:00:01 done: it says so, and no order was left");
    assert!(is_ignored(&server), "it boots no more");
    // The next order has a token of its own.
    assert!(next_boot(&folder, &[TEXT, "local"]).1);
    assert_eq!(post(&server, &first), 403);
    assert!(next_boot(&folder, &["clear", TEXT]).1);
    assert!(is_ignored(&server));
}

#[test]
fn an_order_for_one_delivery_is_over_when_the_script_has_gone() {
    let folder = Folder::new("orders-delivered");
    folder.write("boot/once.ipxe", b"#!ipxe\necho once\n");
    folder.write("boot/vmlinuz", b"kernel");
    let mut server = Server::start(&folder, CONFIG);
    assert!(next_boot(&folder, &[TEXT, "script", "once.ipxe", "--once", "delivered"]).1);
    let client = Client::new(&server, MAC, 7);
    let url = client.script_url(server.dhcp);
    assert!(url.ends_with("/boot/once.ipxe"), "{url}");
    client.introduce(server.boot_server);
    server.expect("acknowledged ");
    drop(client);
    // Not the script: the order stands.
    assert_eq!(get(server.http, "/boot/vmlinuz").status(), 200);
    assert!(next_boot(&folder, &["list"]).0.contains("once delivered"));
    assert_eq!(get(server.http, "/boot/once.ipxe").text(), "#!ipxe\necho once\n");
    server.expect("done: it has what was ordered for this boot, and the order is spent");
    assert_eq!(next_boot(&folder, &["list"]), ("no machine has an order\n".to_owned(), true));
    // The boot goes on with its other files; the next one is as configured.
    assert_eq!(get(server.http, "/boot/vmlinuz").status(), 200);
    assert!(is_ignored(&server));
    assert_eq!(get(server.http, "/boot/vmlinuz").status(), 403);
}

#[test]
fn orders_are_kept_in_the_state_folder_and_nonsense_is_refused() {
    let folder = Folder::new("orders-kept");
    fs::write(folder.0.join("pxe.toml"), "").expect("a configuration");
    assert!(next_boot(&folder, &[TEXT, "local"]).1);
    let file = folder.0.join("state/next-boot/52-54-00-aa-00-01");
    let kept = fs::read_to_string(&file).expect("a file");
    assert!(kept.starts_with("local\nonce done\ngiven "), "{kept}");
    for words in [
        &["52:54:00:aa:00", "menu"][..],
        &[TEXT, "format"],
        &[TEXT, "script", "../x"],
        &[TEXT, "image"],
        &["clear", "all"],
    ] {
        let (text, fine) = next_boot(&folder, words);
        assert!(!fine && text.contains("next-boot"), "{words:?}: {text}");
    }
    assert_eq!(fs::read_to_string(&file).expect("a file"), kept);
    let cleared = next_boot(&folder, &["clear", TEXT]);
    assert_eq!(cleared, ("52:54:00:aa:00:01 cleared\n".to_owned(), true));
    assert!(!file.exists());
}
