//! Images and the files inside them: by HTTP and TFTP, in place, byte for byte.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::common::{Client, Fetched, Folder, PATIENCE, Server, fetch, program};
use crate::wire::{Reply, ask, connect, get, pattern};

/// Several stretches of what the kernel moves at once.
const LARGE: usize = (5 << 20) + 4_321;

/// An ISO with a large file, a link, and a name in upper case. `None` if this system has no xorriso; in CI that is a fault.
fn iso(folder: &Folder, name: &str) -> Option<PathBuf> {
    folder.write("tree/install/initrd.gz", &pattern(LARGE));
    folder.write("tree/install/vmlinuz", b"kernel");
    folder.write("tree/README.TXT", b"read me");
    folder.write("tree/empty", b"");
    let _ = symlink("vmlinuz", folder.0.join("tree/install/linux"));
    let _ = symlink("/etc/passwd", folder.0.join("tree/passwd"));
    fs::create_dir_all(folder.0.join("images")).expect("a folder");
    let path = folder.0.join("images").join(name);
    let made = Command::new("xorriso")
        .args(["-as", "mkisofs", "-quiet", "-R", "-J", "-V", "TEST_1", "-o"])
        .args([&path, &folder.0.join("tree")])
        .output();
    match made {
        Ok(made) => {
            let said = String::from_utf8_lossy(&made.stderr);
            assert!(made.status.success(), "{said}");
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "xorriso: {error}");
            eprintln!("skipped: no xorriso (cargo xtask test installs it)");
            return None;
        }
    }
    age(&path);
    Some(path)
}

/// As if it had been there for a while.
fn age(path: &Path) {
    let time = SystemTime::now() - Duration::from_secs(3_600);
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.set_modified(time)).expect("a time");
}

/// The list of images, when it has come to contain a text.
fn listed(server: &Server, text: &str) -> Reply {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = get(server.http, "/images/");
        if reply.text().contains(text) {
            return reply;
        }
        assert!(Instant::now() < deadline, "{text} is not in {}", reply.text());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn whole_images_and_the_files_inside_are_served_in_place() {
    let folder = Folder::new("images");
    let Some(path) = iso(&folder, "debian 1.iso") else { return };
    let mut server = Server::start(&folder, "");
    let (image, content) = (fs::read(path).expect("the image"), pattern(LARGE));
    let mut wire = connect(server.http);
    let whole = wire.ask("GET", "/images/debian%201.iso", "");
    assert!(whole.body == image);
    assert_eq!(whole.header("Content-Type"), Some("application/vnd.efi-iso"));
    assert!(whole.header("Etag").is_some() && whole.header("Last-Modified").is_some());
    let inside = "/images/debian%201.iso/files/install/initrd.gz";
    let file = wire.ask("GET", inside, "");
    assert!(file.body == content);
    assert_ne!(file.header("Etag"), whole.header("Etag"));
    for (first, end) in [(0, 1), (1, LARGE), (LARGE - 1, LARGE), (1_048_570, 3_145_740)] {
        let range = format!("Range: bytes={first}-{}\r\n", end - 1);
        let reply = wire.ask("GET", inside, &range);
        assert!(reply.status() == 206 && reply.body == content[first..end], "{range}");
        let told = format!("bytes {first}-{}/{LARGE}", end - 1);
        assert_eq!(reply.header("Content-Range"), Some(&*told));
    }
    let parts = wire.ask("GET", inside, "Range: bytes=0-9,5000000-\r\n");
    assert!(
        parts.status() == 206 && parts.body.windows(100).any(|it| *it == content[LARGE - 100..])
    );
    let size = wire.ask("HEAD", inside, "");
    assert_eq!(size.header("Content-Length"), Some(&*LARGE.to_string()));
    let tag = format!("If-None-Match: {}\r\n", file.header("Etag").expect("a tag"));
    assert_eq!(wire.ask("GET", inside, &tag).status(), 304);
    // Links inside, another spelling, nothing at all.
    for (name, text) in [
        ("install/vmlinuz", "kernel"),
        ("install/linux", "kernel"),
        ("INSTALL/VMLINUZ", "kernel"),
        ("readme.txt", "read me"),
        ("install/./vmlinuz", "kernel"),
        ("install//vmlinuz", "kernel"),
        ("empty", ""),
    ] {
        let reply = wire.ask("GET", &format!("/images/debian%201.iso/files/{name}"), "");
        assert_eq!((reply.status(), reply.text()), (200, text), "{name}");
    }
    server.expect("requested images/debian 1.iso/files/install/initrd.gz (5247201 bytes)");
    server.expect("delivered images/debian 1.iso/files/install/initrd.gz (5247201 bytes");
    // The same names by TFTP.
    let name = b"images/debian 1.iso/files/install/initrd.gz";
    assert_eq!(fetch(server.tftp, name), Fetched::Whole(content));
    let readme = b"images/debian 1.iso/files/README.TXT";
    assert_eq!(fetch(server.tftp, readme), Fetched::Whole(b"read me".to_vec()));
}

#[test]
fn names_that_escape_or_are_no_images_are_not_served() {
    let folder = Folder::new("images-escape");
    let Some(_) = iso(&folder, "a.iso") else { return };
    folder.write("outside.iso", b"outside");
    folder.write("images/a.toml", b"password");
    folder.write("images/.hidden.iso", b"hidden");
    folder.write("images/sub/deep/b.iso", b"too deep");
    folder.write("images/fake.iso", b"not an image at all");
    symlink("../outside.iso", folder.0.join("images/link.iso")).expect("link");
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    for name in [
        "a.toml",
        ".hidden.iso",
        "sub/deep/b.iso",
        "sub",
        "sub/",
        "link.iso",
        "../outside.iso",
        "..%2foutside.iso",
        "%2e%2e/outside.iso",
        "a.iso/../../outside.iso",
        "a.iso/files",
        "a.iso/files/",
        "a.iso/files/install",
        "a.iso/files/missing",
        "a.iso/files/passwd",
        "a.iso/files/../a.iso",
        "a.iso/files/%2e%2e/%2e%2e/outside.iso",
        "a.iso/files/install/..%2f..%2f..%2foutside.iso",
        "a.iso/other/install/vmlinuz",
        "a.iso/files/install/vmlinuz/x",
        "fake.iso/files/x",
        "a.iso/files/%ff%fe",
        "missing.iso",
    ] {
        let reply = wire.ask("GET", &format!("/images/{name}"), "");
        assert!(matches!(reply.status(), 403 | 404), "{name} gave {}", reply.head);
        assert!(!reply.text().contains("outside") && !reply.text().contains("root:"), "{name}");
    }
}

#[test]
fn the_list_says_what_is_there_and_follows_the_folder() {
    let folder = Folder::new("images-list");
    let Some(path) = iso(&folder, "a.iso") else { return };
    let image = fs::read(&path).expect("the image");
    folder.write("images/tools/cut.iso", &image[..2_000_000]);
    folder.write("images/tools/shell.efi", b"MZ");
    age(&folder.0.join("images/tools/cut.iso"));
    age(&folder.0.join("images/tools/shell.efi"));
    let mut server = Server::start(&folder, "");
    let list = listed(&server, "tools/shell.efi");
    assert_eq!(list.header("Content-Type"), Some("application/json"));
    assert!(list.text().contains("\"label\":\"TEST_1\""), "{}", list.text());
    assert!(list.text().contains("is cut off: 2.0 of "), "{}", list.text());
    server.expect("image tools/cut.iso is cut off: 2.0 of ");
    // A new one is noticed, and looked at when it is whole; one that goes is gone.
    folder.write("images/b.iso", &image);
    listed(&server, "\"b.iso\"");
    listed(&server, "\"name\":\"b.iso\",\"rule\":\"");
    fs::remove_file(path).expect("removed");
    server.expect("image a.iso is gone");
    assert!(!listed(&server, "b.iso").text().contains("\"a.iso\""));
    assert_eq!(get(server.http, "/images/a.iso").status(), 404);
    // It is served before it is listed, and in its new state at once.
    folder.write("images/c.iso", &image);
    assert_eq!(get(server.http, "/images/c.iso/files/install/vmlinuz").text(), "kernel");
    folder.write("tree/install/vmlinuz", b"another kernel");
    let Some(other) = iso(&folder, "d.iso") else { return };
    fs::write(folder.0.join("tree/install/vmlinuz"), b"").expect("written");
    fs::rename(other, folder.0.join("images/c.iso")).expect("replaced");
    assert_eq!(get(server.http, "/images/c.iso/files/install/vmlinuz").text(), "kernel");
}

#[test]
fn a_file_beside_an_image_changes_what_is_recognised() {
    let folder = Folder::new("images-beside");
    let Some(_) = iso(&folder, "a.iso") else { return };
    folder.write("images/a.toml", b"title = \"Our own title\"\n");
    let server = Server::start(&folder, "");
    listed(&server, "\"title\":\"Our own title\"");
    folder.write("images/a.iso.toml", b"title = \"Another one\"\n");
    listed(&server, "\"title\":\"Another one\"");
    folder.write("images/a.iso.toml", b"titel = 1\n");
    listed(&server, "the file beside it (.toml) is not used: line 1");
}

#[test]
fn a_denied_machine_gets_no_image() {
    const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
    let folder = Folder::new("images-denied");
    folder.write("images/tool.efi", b"MZ");
    let extra = "[[host]]\nmac = \"52:54:00:aa:00:01\"\nboot = false\n";
    let mut server = Server::start(&folder, extra);
    let reply = get(server.http, "/images/tool.efi");
    assert_eq!((reply.status(), reply.header("Content-Type")), (200, Some("application/efi")));
    Client::new(&server, MAC, 7).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:01 denied");
    for method in ["GET", "HEAD"] {
        assert_eq!(ask(server.http, method, "/images/tool.efi", "").status(), 403);
    }
}

#[test]
fn a_folder_that_is_removed_and_made_again_is_followed() {
    let folder = Folder::new("images-again");
    let add = |name: &str| {
        folder.write(&format!("images/{name}"), b"MZ");
        age(&folder.0.join("images").join(name));
    };
    add("one.efi");
    let mut server = Server::start(&folder, "");
    listed(&server, "one.efi");
    fs::remove_dir_all(folder.0.join("images")).expect("removed");
    server.expect("image one.efi is gone");
    assert_eq!(get(server.http, "/images/one.efi").status(), 404);
    add("two.efi");
    assert_eq!(get(server.http, "/images/two.efi").status(), 200, "served before it is listed");
    listed(&server, "two.efi");
    // The new folder is watched: without that, nobody would look for half a minute.
    add("three.efi");
    listed(&server, "three.efi");
    // As when all images are replaced at once.
    folder.write("next/four.efi", b"MZ");
    age(&folder.0.join("next/four.efi"));
    fs::rename(folder.0.join("images"), folder.0.join("before")).expect("away");
    fs::rename(folder.0.join("next"), folder.0.join("images")).expect("in its place");
    listed(&server, "four.efi");
    assert!(!get(server.http, "/images/").text().contains("three.efi"));
}

#[test]
fn what_images_are_is_kept_for_the_next_start() {
    let folder = Folder::new("images-kept");
    let Some(_) = iso(&folder, "a.iso") else { return };
    let server = Server::start(&folder, "");
    let first = listed(&server, "\"rule\":").text().to_owned();
    let kept = folder.0.join("state/images");
    let deadline = Instant::now() + PATIENCE;
    while !kept.is_file() {
        assert!(Instant::now() < deadline, "nothing is kept in {}", kept.display());
        std::thread::sleep(Duration::from_millis(50));
    }
    server.stop();
    // Another title in there shows where the next server has it from.
    let text = fs::read_to_string(&kept).expect("the file");
    fs::write(&kept, text.replace("a.iso (TEST_1)", "kept")).expect("written");
    let server = Server::start(&folder, "");
    let again = listed(&server, "\"rule\":").text().to_owned();
    assert_eq!(again, first.replace("a.iso (TEST_1)", "kept"));
    assert_ne!(again, first);
}

#[test]
fn the_command_lists_images_and_what_will_not_work() {
    let folder = Folder::new("images-command");
    let Some(_) = iso(&folder, "a.iso") else { return };
    folder.write("images/broken.iso", b"not an image at all");
    age(&folder.0.join("images/broken.iso"));
    // A disc that announces UDF, as those of Windows do, and has none: its anchors are gone (ECMA-167 3/8.4.2.1).
    let udf = folder.0.join("images/udf.iso");
    let made = Command::new("genisoimage")
        .args(["-quiet", "-udf", "-o"])
        .args([&udf, &folder.0.join("tree")])
        .output();
    assert!(
        made.expect("genisoimage, which comes with xorriso in the test's packages")
            .status
            .success()
    );
    let disc = File::options().write(true).open(&udf).expect("the disc");
    let blocks = disc.metadata().expect("the disc").len() / 2048;
    for anchor in [256, blocks - 257, blocks - 1] {
        disc.write_all_at(&[0; 2048], anchor * 2048).expect("written");
    }
    age(&udf);
    folder.write("pxe.toml", b"[http]\nenabled = false\n");
    let run = |words: &[&str]| {
        let config = folder.0.join("pxe.toml");
        let ran = program().arg("--config").arg(config).args(words).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (ran.status.success(), text(ran.stdout), text(ran.stderr))
    };
    let passed_over = "its UDF part cannot be read (";
    let (well, said, _) = run(&["images"]);
    assert!(well && said.contains("a.iso: a.iso (TEST_1) (unknown)\n"), "{said}");
    assert!(said.contains("broken.iso: is neither ISO 9660 nor UDF"), "{said}");
    let (_, of_udf) = said.split_once("udf.iso: ").expect("it is listed");
    assert!(of_udf.contains(&format!("\n  warning: {passed_over}")), "{said}");
    let (well, said, _) = run(&["images", "--json", "udf.iso"]);
    let list: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert!(well && list["images"].as_array().is_some_and(|images| images.len() == 1), "{said}");
    assert!(list["images"][0]["warnings"].to_string().contains(passed_over), "{said}");
    let (well, _, why) = run(&["images", "c.iso"]);
    assert!(!well && why.contains("there is no image c.iso in "), "{why}");
    // It is only a look: what is kept is the server's.
    assert!(!folder.0.join("state").exists());
}
