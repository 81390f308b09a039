//! Menus as clients ask for them: by name, with what they say of themselves, with the password.

use pxe_dhcp::MessageType;

use crate::common::{Client, Fetched, Folder, Server, fetch};
use crate::wire::{ask, get};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 3];

/// Of "network".
const HASH: &str = "grub.pbkdf2.sha512.10000.\
    81332713A312FB87359D4B5DFF5FDFB254C693F71C451A743174E95CE17B024A\
    94D26767332FEF96456AD63FAEBA1FE14FFAFC787E66BB978FAC566619D93961.\
    7A78551B9A578202F998098E854FA02622CF37B71CD0CCC43D1721A08894B104\
    5B25582C9D905E01355C4980D764CF735EB8BBB0EF667A6A091ACF2511F910C8";

fn root(name: &str) -> Folder {
    let folder = Folder::new(name);
    for (name, text) in [
        ("boot/ipxe.efi", "loader"),
        ("boot/debian/vmlinuz", "kernel"),
        ("boot/debian/initrd.gz", "initrd"),
        ("boot/own.ipxe", "#!ipxe\nshell\n"),
    ] {
        folder.write(name, text.as_bytes());
    }
    folder
}

#[test]
fn whoever_says_who_it_is_gets_its_own() {
    let folder = root("menus-said");
    let mut server = Server::start(
        &folder,
        "[[host]]\nmac = \"52:54:00:aa:00:07\"\nkernel = \"debian/vmlinuz\"\ninitrd = \"debian/initrd.gz\"\n\
         cmdline = \"console=ttyS0\"\n\
         [[host]]\nmac = \"52:54:00:aa:00:08\"\nboot = \"local\"\n\
         [[host]]\nmac = \"52:54:00:aa:00:09\"\nboot = false\n",
    );
    let http = server.http;
    // A stranger is shown everything, and asked who it is.
    let menu = get(http, "/menu.ipxe").text().to_owned();
    let again =
        format!("chain --replace http://127.0.0.1:{http}/menu.ipxe?mac=${{netX/mac}}&platform=");
    assert!(menu.contains("\nmenu Network boot\n") && menu.contains(&again), "{menu}");
    let said = |mac: &str, path: &str| {
        get(http, &format!("{path}?mac={mac}&platform=efi&buildarch=x86_64&memsize="))
    };
    let menu = said("52:54:00:aa:00:06", "/menu.ipxe").text().to_owned();
    assert!(menu.contains("\nmenu ") && !menu.contains("chain --replace"), "{menu}");
    assert!(menu.contains("/booted?mac=52:54:00:aa:00:06 ||"), "{menu}");
    let own = said("52-54-00-aa-00-07", "/menu.ipxe").text().to_owned();
    let kernel = format!(
        "kernel http://127.0.0.1:{http}/boot/debian/vmlinuz console=ttyS0 initrd=initrd0 ||"
    );
    assert!(
        own.contains(&kernel) && own.contains("\ngoto e0\n") && !own.contains("\nmenu "),
        "{own}"
    );
    server.expect("52:54:00:aa:00:07 requested menu.ipxe");
    server.expect("host entry 1 says what this machine boots");
    let grub = said("52-54-00-aa-00-07", "/menu.cfg").text().to_owned();
    assert!(
        grub.contains(&format!(
            "linux (http,127.0.0.1:{http})/boot/debian/vmlinuz console=ttyS0\n"
        )),
        "{grub}"
    );
    assert!(said("52:54:00:aa:00:08", "/boot/menu.ipxe").text().contains("\ngoto local\n"));
    assert_eq!(said("52:54:00:aa:00:09", "/menu.ipxe").status(), 403);
}

#[test]
fn a_target_goes_before_the_menu_of_everybody() {
    let folder = root("menus-target");
    folder.write("boot/menu.ipxe", b"#!ipxe\necho for everybody\n");
    let server = Server::start(
        &folder,
        "[[host]]\nmac = \"52:54:00:aa:00:03\"\nboot = \"local\"\n\
         [[host]]\nmac = \"52:54:00:aa:00:07\"\nscript = \"own.ipxe\"\n",
    );
    let for_all = get(server.http, "/boot/menu.ipxe?mac=52:54:00:aa:00:06").text().to_owned();
    assert_eq!(for_all, "#!ipxe\necho for everybody\n");
    let own = get(server.http, "/boot/menu.ipxe?mac=52:54:00:aa:00:03").text().to_owned();
    assert!(own.contains("\ngoto local\n"), "{own}");
    // DHCP names a script of its own at once.
    let client = Client::new(&server, [0x52, 0x54, 0, 0xaa, 0, 7], 7);
    assert!(client.script_url(server.dhcp).ends_with("/boot/own.ipxe"));
    assert_eq!(client.boot_file(MessageType::DISCOVER, server.dhcp), "ipxe.efi");
    drop(client);
    // The machine that has the address by DHCP is known by TFTP as well.
    Client::new(&server, MAC, 7).introduce(server.boot_server);
    let by_tftp = |name: &str| match fetch(server.tftp, name.as_bytes()) {
        Fetched::Whole(bytes) => String::from_utf8(bytes).expect("text"),
        other => panic!("{name}: {other:?}"),
    };
    let deadline = std::time::Instant::now() + crate::common::PATIENCE;
    while !by_tftp("autoexec.ipxe").contains("\ngoto local\n") {
        assert!(std::time::Instant::now() < deadline, "{}", by_tftp("autoexec.ipxe"));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(by_tftp("grub/grub.cfg").contains("set timeout=0\nset default=local\n"));
}

#[test]
fn the_password_is_checked_here_and_never_told() {
    let folder = root("menus-lock");
    let server = Server::start(&folder, &format!("[menu]\npassword = \"{HASH}\"\n"));
    let http = server.http;
    let locked = get(http, "/boot/menu.ipxe").text().to_owned();
    assert!(locked.contains("\nlogin || goto menu\n"), "{locked}");
    assert!(!locked.contains("debian") && !locked.contains("pbkdf2"), "{locked}");
    let target = "/menu.ipxe?mac=52:54:00:aa:00:03&unlock=1";
    let refused = get(http, target);
    assert_eq!(
        (refused.status(), refused.header("Www-Authenticate")),
        (401, Some("Basic realm=\"menu\""))
    );
    // "x:network" and "x:Network".
    let by = |credentials: &str| {
        let header = format!("Authorization: Basic {credentials}\r\n");
        loop {
            let answer = ask(http, "GET", target, &header);
            if answer.status() != 503 {
                return answer;
            }
        }
    };
    assert_eq!(by("eDpOZXR3b3Jr").status(), 401);
    let open = by("eDpuZXR3b3Jr");
    assert_eq!(open.status(), 200);
    assert!(open.text().contains("/boot/debian/vmlinuz") && !open.text().contains("pbkdf2"));
}
