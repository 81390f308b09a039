//! Copies that are still good are not sent again.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::common::{Folder, Server};
use crate::wire::connect;

#[test]
fn a_good_copy_is_not_sent_again_and_every_change_is_noticed() {
    let folder = Folder::new("copies");
    folder.write("boot/kernel", b"first");
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    let first = wire.ask("GET", "/boot/kernel", "");
    let etag = first.header("Etag").expect("a tag").to_owned();
    let modified = first.header("Last-Modified").expect("a date").to_owned();
    let by_tag = format!("If-None-Match: {etag}\r\n");
    for method in ["GET", "HEAD"] {
        for header in [&by_tag, &format!("If-Modified-Since: {modified}\r\n")] {
            let reply = wire.ask(method, "/boot/kernel", header);
            assert_eq!(reply.status(), 304, "{method} {header}");
            assert_eq!(reply.header("Etag"), Some(&*etag));
            assert_eq!(reply.header("Last-Modified"), Some(&*modified));
        }
    }
    // Of the same size, and by the clock of files from the same time.
    let path = folder.0.join("boot/kernel");
    let time = fs::metadata(&path).and_then(|known| known.modified()).expect("a time");
    folder.write("boot/kernel.new", b"other");
    fs::rename(folder.0.join("boot/kernel.new"), &path).expect("replaced");
    fs::File::open(&path).and_then(|file| file.set_modified(time)).expect("a time");
    let replaced = wire.ask("GET", "/boot/kernel", &by_tag);
    assert_eq!((replaced.status(), &*replaced.body), (200, &b"other"[..]));
    assert_ne!(replaced.header("Etag"), Some(&*etag));

    fs::File::open(&path)
        .and_then(|file| file.set_modified(SystemTime::now() + Duration::from_secs(86_400)))
        .expect("a time");
    let future = wire.ask("GET", "/boot/kernel", "");
    assert_eq!(future.header("Last-Modified"), future.header("Date"), "{}", future.head);
}

#[test]
fn texts_that_are_made_up_have_tags_too() {
    let folder = Folder::new("made-up");
    let server = Server::start(&folder, "");
    let mut wire = connect(server.http);
    let first = wire.ask("GET", "/boot/menu.ipxe", "");
    let by_tag = format!("If-None-Match: {}\r\n", first.header("Etag").expect("a tag"));
    assert_eq!(wire.ask("GET", "/boot/menu.ipxe", &by_tag).status(), 304);
    folder.write("boot/rescue.ipxe", b"#!ipxe\n");
    let second = wire.ask("GET", "/boot/menu.ipxe", &by_tag);
    assert!(second.status() == 200 && second.text().contains("rescue.ipxe"), "{}", second.head);
}
