//! VMware ESXi, from a disc in the layout of VMware's: every machine's `boot.cfg` names files that are there.
//!
//! No disc of VMware's can be downloaded here, and mboot is not free to be put into one: the test does by itself what mboot
//! does with a `boot.cfg` (`mboot/config.c` of VMware's esx-boot).

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::common::{Client, Fetched, Folder, PATIENCE, Server, fetch};
use crate::wire::get;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const FILES: [(&str, &str); 7] = [
    (
        "BOOT.CFG",
        "bootstate=0\ntitle=Loading ESXi installer\ntimeout=5\nprefix=\nkernel=/b.b00\n\
         kernelopt=runweasel cdromBoot\nmodules=/jumpstrt.gz --- /useropts.gz\nbuild=8.0.3-0.0.24022510\nupdated=0\n",
    ),
    ("B.B00", "the kernel"),
    ("JUMPSTRT.GZ", "one module"),
    ("USEROPTS.GZ", "another"),
    ("MBOOT.C32", "for a BIOS"),
    ("EFI/BOOT/BOOTX64.EFI", "for UEFI"),
    ("EFI/BOOT/BOOT.CFG", "kernel=/other\n"),
];

/// A disc of these files. `false` if this system has no xorriso; in CI that is a fault.
fn disc(folder: &Folder, name: &str, files: &[(&str, &str)]) -> bool {
    let tree = folder.0.join("tree").join(name);
    for (path, text) in files {
        folder.write(&format!("tree/{name}/{path}"), text.as_bytes());
    }
    fs::create_dir_all(folder.0.join("images")).expect("a folder");
    let path = folder.0.join("images").join(name);
    let mut command = Command::new("xorriso");
    command.args(["-as", "mkisofs", "-quiet", "-V", "ESXI-8.0U3-24022510-STANDARD", "-o"]);
    match command.args([&path, &tree]).output() {
        Ok(made) => assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr)),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "xorriso: {error}");
            eprintln!("skipped: no xorriso (cargo xtask test installs it)");
            return false;
        }
    }
    age(&path);
    true
}

fn age(path: &Path) {
    let time = SystemTime::now() - Duration::from_secs(3_600);
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.set_modified(time)).expect("a time");
}

fn start(folder: &Folder) -> Server {
    folder.write("seeds/esxi/ks.cfg", b"vmaccepteula\n");
    let server = Server::start(folder, "[[host]]\nmac = \"52:54:00:aa:00:01\"\nseed = \"esxi\"\n");
    let deadline = Instant::now() + PATIENCE;
    while !get(server.http, "/images/").text().contains("\"rule\":\"esxi\"") {
        assert!(Instant::now() < deadline, "{}", get(server.http, "/images/").text());
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}

/// What mboot takes from a `boot.cfg`: options of the kernel, and the addresses of kernel and modules.
fn as_mboot_does(text: &str) -> (String, Vec<String>) {
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        lines.find(|(known, _)| *known == key).map(|(_, value)| value.to_owned()).expect("a value")
    };
    let (modules, prefix) = (value("modules"), value("prefix"));
    let files = [value("kernel")].into_iter().chain(modules.split("---").map(ToOwned::to_owned));
    let full = |name: String| {
        let name = name.trim().to_owned();
        // A prefix stands before relative names only.
        if name.starts_with('/') || name.contains("://") {
            name
        } else {
            format!("{prefix}/{name}")
        }
    };
    (value("kernelopt"), files.map(full).collect())
}

#[test]
fn every_file_that_boot_cfg_names_is_there_by_http() {
    let folder = Folder::new("esxi");
    if !disc(&folder, "esxi 8.iso", &FILES) {
        return;
    }
    let server = start(&folder);
    let origin = format!("http://127.0.0.1:{}", server.http);
    let image = format!("{origin}/images/esxi%208.iso");
    for (mac, machine, program, options) in [
        (
            "52-54-00-aa-00-01",
            "platform=efi&buildarch=x86_64",
            "efi/boot/bootx64.efi",
            format!("runweasel ks={origin}/seed/52-54-00-aa-00-01/ks.cfg"),
        ),
        (
            "52-54-00-aa-00-02",
            "platform=pcbios&buildarch=i386",
            "mboot.c32",
            "runweasel".to_owned(),
        ),
    ] {
        let menu = get(server.http, &format!("/menu.ipxe?mac={mac}&{machine}&memsize=16000"));
        let start = format!(
            "chain {image}/files/{program} -c {image}/net/01-{mac}/boot.cfg || goto failed"
        );
        assert!(menu.text().contains(&start), "{start} is not in {}", menu.text());
        let path = |url: &str| url.strip_prefix(&origin).expect("a URL of ours").to_owned();
        assert_eq!(get(server.http, &path(&format!("{image}/files/{program}"))).status(), 200);
        let text =
            get(server.http, &path(&format!("{image}/net/01-{mac}/boot.cfg"))).text().to_owned();
        let (said, files) = as_mboot_does(&text);
        assert_eq!(said, options, "{text}");
        assert!(text.contains("build=8.0.3-0.0.24022510\nupdated=0\n"), "the rest stays: {text}");
        let contents: Vec<String> =
            files.iter().map(|url| get(server.http, &path(url)).text().to_owned()).collect();
        assert_eq!(contents, ["the kernel", "one module", "another"], "{files:?}");
    }
    // What is nobody's in particular, for those who write their own scripts.
    let text = get(server.http, "/images/esxi%208.iso/net/boot.cfg").text().to_owned();
    assert_eq!(as_mboot_does(&text).0, "runweasel");
    // The disc's own is still there as it is.
    assert_eq!(get(server.http, "/images/esxi%208.iso/files/boot.cfg").text(), FILES[0].1);
}

#[test]
fn pxelinux_gets_the_same_by_tftp() {
    let folder = Folder::new("esxi-tftp");
    if !disc(&folder, "esxi.iso", &FILES) {
        return;
    }
    let mut server = start(&folder);
    Client::new(&server, MAC, 0).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:01 ");
    let text = |name: &str| match fetch(server.tftp, name.as_bytes()) {
        Fetched::Whole(bytes) => String::from_utf8(bytes).expect("text"),
        other => panic!("{name}: {other:?}"),
    };
    let menu = text("pxelinux.cfg/default");
    let start = "  KERNEL ::images/esxi.iso/files/mboot.c32\n  \
        APPEND -c ::images/esxi.iso/net/01-52-54-00-aa-00-01/boot.cfg\n";
    assert!(menu.contains(start), "{menu}");
    // PXELINUX asks for what stands behind `::`.
    let (options, files) =
        as_mboot_does(&text("images/esxi.iso/net/01-52-54-00-aa-00-01/boot.cfg"));
    let script = format!("http://127.0.0.1:{}/seed/52-54-00-aa-00-01/ks.cfg", server.http);
    assert_eq!(options, format!("runweasel ks={script}"));
    let asked = files.iter().map(|name| name.strip_prefix("::").expect("PXELINUX's mark"));
    let contents: Vec<String> = asked.map(text).collect();
    assert_eq!(contents, ["the kernel", "one module", "another"]);
}

#[test]
fn a_disc_without_a_kernel_to_name_is_refused() {
    let folder = Folder::new("esxi-broken");
    let broken = [("BOOT.CFG", "modules=/a\n"), ("B.B00", "x")];
    if !disc(&folder, "broken.iso", &broken) || !disc(&folder, "other.iso", &[("README", "x")]) {
        return;
    }
    let mut server = Server::start(&folder, "");
    assert_eq!(get(server.http, "/images/broken.iso/net/boot.cfg").status(), 403);
    server.expect("the disc's boot.cfg has no kernel= line");
    for missing in ["other.iso/net/boot.cfg", "broken.iso/net/x/boot.cfg", "none.iso/net/boot.cfg"]
    {
        assert_eq!(get(server.http, &format!("/images/{missing}")).status(), 404, "{missing}");
    }
}
