//! Files sent to the real program.

mod common;

use std::fs;
use std::net::{Ipv6Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use common::{
    Client, Fetched, Folder, PATIENCE, Sending, Server, fetch, files_below, loopback, send,
};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

/// A server that takes files of at most 10 000 bytes into `in`, and that folder.
fn start(name: &str, extra: &str) -> (Folder, Server) {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.0.join("in/sub")).expect("folder");
    let extra = format!("uploads = \"in\"\nupload_bytes_max = 10000\n{extra}");
    let server = Server::start(&folder, &extra);
    (folder, server)
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7) as u8).collect()
}

#[test]
fn files_are_stored_whole_and_told_and_are_no_boot_files() {
    let (folder, mut server) = start("store", "");
    let target = loopback(server.tftp);
    for (name, bytes) in [("empty", 0), ("one", 1), ("block", 512), ("sub\\long", 9_999)] {
        assert_eq!(send(target, name.as_bytes(), &content(bytes), b""), Ok(()), "{name}");
        let stored = fs::read(folder.0.join("in").join(name.replace("\\", "/"))).expect("stored");
        assert!(stored == content(bytes), "{name}");
        server.expect(&format!("127.0.0.1 stored {} ({bytes} bytes in", name.replace("\\", "/")));
    }
    server.expect("127.0.0.1 uploading sub/long");
    assert_eq!(send(target, b"sized", b"12345", b"tsize\x005\0blksize\x00512\0"), Ok(()));
    server.expect("127.0.0.1 uploading sized (5 bytes)");
    assert_eq!(fetch(server.tftp, b"one"), Fetched::Error(1), "an upload is not in the root");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn by_ipv6_too_and_by_one_port() {
    let (folder, server) = start("six", "single_port = true\n");
    let target = SocketAddr::from((Ipv6Addr::LOCALHOST, server.tftp));
    assert_eq!(send(target, b"six", &content(1_500), b""), Ok(()));
    assert!(fs::read(folder.0.join("in/six")).expect("stored") == content(1_500));
}

#[test]
fn blocks_are_as_large_as_fit_into_a_frame_and_not_larger() {
    for single_port in [false, true] {
        let (folder, server) = start("frames", &format!("single_port = {single_port}\n"));
        let target = loopback(server.tftp);
        for (name, asked, granted) in [("frame", 1_428, 1_428), ("jumbo", 9_000, 1_468)] {
            let options = format!("blksize\0{asked}\0");
            let sending = Sending::begin(target, b"probe", options.as_bytes());
            assert_eq!(sending.map_err(drop).expect("let in").block_size(), granted);
            assert_eq!(send(target, name.as_bytes(), &content(9_999), options.as_bytes()), Ok(()));
            assert!(fs::read(folder.0.join("in").join(name)).expect("stored") == content(9_999));
        }
    }
}

#[test]
fn a_configured_jumbo_block_is_cut_to_what_is_received() {
    let (folder, server) = start("jumbo", "block_size_max = 9000\n");
    let options = b"blksize\x009000\0";
    let sending = Sending::begin(loopback(server.tftp), b"probe", options).map_err(drop);
    let block_size = sending.expect("let in").block_size();
    assert_eq!(block_size, usize::from(pxe_server::engine::UPLOAD_BLOCK_BYTES_MAX));
    assert_eq!(send(loopback(server.tftp), b"jumbo", &content(9_999), options), Ok(()));
    assert!(fs::read(folder.0.join("in/jumbo")).expect("stored") == content(9_999));
}

#[test]
fn a_server_without_a_folder_for_them_takes_none_and_says_why() {
    let folder = Folder::new("off");
    let mut server = Server::start(&folder, "");
    assert_eq!(send(loopback(server.tftp), b"x", b"x", b""), Err(2));
    server.expect("127.0.0.1 failed x: not stored: this server takes no uploads (tftp.uploads");
    let files = files_below(&folder.0);
    assert_eq!(files.len(), 2, "the configuration and the number of the process: {files:?}");
}

#[test]
fn an_existing_file_stays_as_it_is_even_if_it_appears_meanwhile() {
    let (folder, mut server) = start("twice", "");
    let target = loopback(server.tftp);
    folder.write("in/old", b"old");
    assert_eq!(send(target, b"old", b"new", b""), Err(6));
    server.expect("127.0.0.1 failed old: not stored: a file of that name exists");
    let mut first = Sending::begin(target, b"late", b"").map_err(drop).expect("let in");
    let mut second = Sending::begin(target, b"late", b"").map_err(drop).expect("let in");
    first.block(&[1; 512]).expect("stored");
    second.block(&[2; 512]).expect("stored");
    second.block(b"second").expect("whole");
    assert_eq!(first.block(b"first"), Err(6));
    let stored = fs::read(folder.0.join("in/late")).expect("stored");
    assert_eq!(
        (fs::read(folder.0.join("in/old")).expect("old"), stored.len()),
        (b"old".to_vec(), 518)
    );
    assert!(stored.ends_with(b"second"));
    assert_eq!(files_below(&folder.0.join("in")).len(), 2, "nothing is left of the other");
}

#[test]
fn too_large_a_file_is_refused_at_once_or_when_it_shows() {
    let (folder, mut server) = start("large", "");
    let target = loopback(server.tftp);
    let announced = Sending::begin(target, b"announced", b"tsize\x0010001\0");
    assert_eq!(announced.err(), Some(3));
    server
        .expect("failed announced: not stored: it has 10001 bytes, and at most 10000 are allowed");
    assert_eq!(send(target, b"silent", &content(10_001), b""), Err(3));
    server.expect("failed silent: not stored: the file is larger than allowed (after 9728 bytes)");
    assert_eq!(send(target, b"fits", &content(10_000), b"tsize\x0010000\0"), Ok(()));
    assert_eq!(files_below(&folder.0.join("in")), [folder.0.join("in/fits")]);
}

#[test]
fn an_upload_that_is_given_up_leaves_nothing_and_nor_does_a_crash() {
    let (folder, mut server) = start("abort", "");
    let target = loopback(server.tftp);
    let mut sending = Sending::begin(target, b"sub/half", b"").map_err(drop).expect("let in");
    sending.block(&[1; 512]).expect("stored");
    assert_eq!(files_below(&folder.0.join("in")).len(), 1, "the unfinished file");
    sending.abort();
    server.expect("failed sub/half: not stored: the client reported error 0");
    let deadline = Instant::now() + PATIENCE;
    while !files_below(&folder.0.join("in")).is_empty() {
        assert!(Instant::now() < deadline, "the unfinished file stays");
        thread::sleep(Duration::from_millis(5));
    }

    let mut sending = Sending::begin(target, b"sub/crash", b"").map_err(drop).expect("let in");
    sending.block(&[1; 512]).expect("stored");
    drop(server); // SIGKILL
    assert_eq!(files_below(&folder.0.join("in")).len(), 1, "nobody could clean up");
    let mut server = Server::start(&folder, "uploads = \"in\"\nupload_bytes_max = 10000\n");
    server.expect("removed 1 unfinished uploads of an earlier run");
    assert!(files_below(&folder.0.join("in")).is_empty());

    let target = loopback(server.tftp);
    let mut sending = Sending::begin(target, b"stopped", b"").map_err(drop).expect("let in");
    sending.block(&[1; 512]).expect("stored");
    assert_eq!(server.stop(), Some(0));
    assert!(files_below(&folder.0.join("in")).is_empty(), "SIGTERM leaves nothing either");
}

#[test]
fn names_stay_beneath_the_folder() {
    let (folder, server) = start("beneath", "");
    let (before, link) = (files_below(&folder.0), folder.0.join("in/up"));
    std::os::unix::fs::symlink("..", &link).expect("link");
    for (name, code) in [
        (&b"../x"[..], 2),
        (b"sub/../../x", 2),
        (b"..\\x", 2),
        (b"up/x", 2),
        (b"missing/x", 1),
        (b"", 2),
        (b"sub", 6),
        (b".pxe-upload-1-1.part", 2),
    ] {
        let sent = send(loopback(server.tftp), name, b"x", b"");
        assert_eq!(sent, Err(code), "{}", name.escape_ascii());
    }
    fs::remove_file(link).expect("clean");
    assert_eq!(files_below(&folder.0), before);
    // As for files that are asked for, a leading slash means nothing.
    assert_eq!(send(loopback(server.tftp), b"/x", b"x", b""), Ok(()));
    assert!(folder.0.join("in/x").is_file());
}

#[test]
fn a_few_at_once_and_fewer_for_one_client() {
    let (_folder, mut server) = start("few", "");
    let target = loopback(server.tftp);
    let mut under_way: Vec<Sending> = (0..pxe_server::content::UPLOADS_PER_CLIENT_MAX)
        .map(|number| {
            let sending = Sending::begin(target, format!("{number}").as_bytes(), b"");
            let mut sending = sending.map_err(drop).expect("let in");
            sending.block(&[0; 512]).expect("stored");
            sending
        })
        .collect();
    assert_eq!(send(target, b"more", b"x", b""), Err(0));
    server.expect("failed more: not stored: 4 files are being sent already");
    under_way.pop().expect("one").block(b"end").expect("whole");
    assert_eq!(send(target, b"more", b"x", b""), Ok(()));
}

#[test]
fn a_machine_that_gets_nothing_gives_nothing_and_one_with_a_folder_fills_it() {
    let (folder, mut server) = start(
        "hosts",
        "[[host]]\nmac = \"52:54:00:aa:00:01\"\nfolder = \"sub\"\n\
         [[host]]\nmac = \"52:54:00:aa:00:02\"\nboot = false\n",
    );
    Client::new(&server, MAC, 7).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:01");
    assert_eq!(send(loopback(server.tftp), b"core", b"dump", b""), Ok(()));
    assert_eq!(fs::read(folder.0.join("in/sub/core")).expect("stored"), b"dump");
    server.expect("52:54:00:aa:00:01 stored sub/core");

    Client::new(&server, [0x52, 0x54, 0, 0xaa, 0, 2], 7).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:02 denied");
    assert_eq!(send(loopback(server.tftp), b"other", b"dump", b""), Err(2));
    assert!(!folder.0.join("in/other").exists());
}
