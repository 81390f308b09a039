//! Rules about the sources that no lint knows.

mod common;

use common::{Source, sources};

const LIBRARIES: [&str; 5] = [
    "crates/pxe-dhcp/src",
    "crates/pxe-tftp/src",
    "crates/pxe-select/src",
    "crates/pxe-lease/src",
    "crates/pxe-image/src",
];
/// What a file may have without its unit tests.
const LINES_MAX: usize = 500;

/// Fails with every place where a statement contains one of the words and the file is not exempt.
fn forbid(sources: &[Source], words: &[&str], why: &str, exempt: impl Fn(&Source) -> bool) {
    let mut places = Vec::new();
    for source in sources.iter().filter(|source| !exempt(source)) {
        for (number, line) in source.statements() {
            // A list of buffers, which reads nothing by itself.
            let line = line.replace("std::io::IoSliceMut", "IoSliceMut");
            if words.iter().any(|word| line.contains(word)) {
                places.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(places.is_empty(), "{why}:\n{}", places.join("\n"));
}

#[test]
fn the_parser_library_is_known_to_parse_modules_only() {
    let exempt =
        |source: &Source| source.path.ends_with("/parse.rs") || source.path.contains("/parse/");
    let crates = sources(&["crates"]);
    forbid(&crates, &["nom::"], "nom outside a module called parse", exempt);
    assert!(
        crates
            .iter()
            .filter(|source| exempt(source))
            .any(|source| source.text.contains("use nom::")),
        "nobody uses nom: this test looks for the wrong words"
    );
}

#[test]
fn readiness_is_known_to_the_driver_only() {
    let exempt = |source: &Source| source.is_beneath("crates/pxe-server/src/driver/");
    let crates = sources(&["crates"]);
    forbid(&crates, &["mio::", "signal_hook_mio"], "mio outside the driver", exempt);
    assert!(
        crates.iter().filter(|source| exempt(source)).any(|source| source.text.contains("mio::")),
        "the driver does not use mio: this test looks for the wrong words"
    );
}

#[test]
fn libraries_read_no_clocks_files_or_sockets() {
    let words = [
        "Instant::now",
        "SystemTime",
        "std::fs",
        "std::net::",
        "UdpSocket",
        "std::env",
        "std::thread",
        "println!",
    ];
    // Fuzz bodies are tests that live beside the code. Stores are where leases meet disks and databases.
    let stores = ["crates/pxe-lease/src/store/embedded/", "crates/pxe-lease/src/store/postgres/"];
    let exempt = |source: &Source| {
        source.path.ends_with("/fuzz.rs") || stores.iter().any(|store| source.is_beneath(store))
    };
    forbid(&sources(&LIBRARIES), &words, "a library does not read the world", exempt);
    // Decompressors take `Read`, and an image is read through a trait with its errors.
    let exempt = |source: &Source| exempt(source) || source.is_beneath("crates/pxe-image/src");
    forbid(&sources(&LIBRARIES), &["std::io"], "a library does no input or output", exempt);
    forbid(&sources(&["crates/pxe-image/src"]), &["std::io::std"], "nor does it ask", |_| false);
}

#[test]
fn databases_are_known_to_their_stores_only() {
    for (word, store) in [
        ("redb::", "crates/pxe-lease/src/store/embedded/"),
        ("postgres::", "crates/pxe-lease/src/store/postgres/"),
    ] {
        let inside = |source: &Source| source.is_beneath(store);
        let crates = sources(&["crates/pxe-lease/src"]);
        // The store's own module has the name of the database.
        let exempt = |source: &Source| inside(source) || source.path.ends_with("/store/mod.rs");
        forbid(&crates, &[word], "a database outside of its store", exempt);
        assert!(crates.iter().filter(|source| inside(source)).any(|it| it.text.contains(word)));
    }
}

#[test]
fn libraries_know_no_sibling() {
    for library in LIBRARIES {
        let own = library.trim_start_matches("crates/").trim_end_matches("/src").replace('-', "_");
        let names = [
            "pxe_dhcp::",
            "pxe_tftp::",
            "pxe_select::",
            "pxe_lease::",
            "pxe_image::",
            "pxe_server::",
        ];
        let others: Vec<&str> =
            names.into_iter().filter(|name| name.trim_end_matches(':') != own).collect();
        forbid(&sources(&[library]), &others, "a library names a sibling", |_| false);
    }
}

#[test]
fn the_engine_is_pure() {
    let words = ["mio::", "nix::", "std::fs", "Instant::now", "SystemTime", "UdpSocket"];
    let engine = sources(&["crates/pxe-server/src/engine"]);
    forbid(&engine, &words, "the engine takes bytes and the time", |_| false);
}

#[test]
fn files_have_one_reason_to_change() {
    let long: Vec<String> = sources(&["crates", "examples", "benches", "fuzz/fuzz_targets"])
        .iter()
        .map(|source| (source, source.code().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(source, lines)| format!("{}: {lines} lines without tests", source.path))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn nothing_is_left_to_do() {
    // Put together, so that they do not stand here.
    let words = ["TO\u{44}O", "FIX\u{4d}E", "db\u{67}!(", "todo\u{21}(", "unimplemented\u{21}("];
    let mut places = Vec::new();
    for source in sources(&["crates", "examples", "benches", "fuzz/fuzz_targets"]) {
        for (number, line) in source.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) && !source.path.ends_with("/tidy.rs") {
                places.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    assert!(places.is_empty(), "{}", places.join("\n"));
}

#[test]
fn forbidden_words_are_found() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let planted = [source("crates/x/src/lib.rs", "use nom::IResult;\n")];
    let caught = std::panic::catch_unwind(|| forbid(&planted, &["nom::"], "planted", |_| false));
    let message = *caught.expect_err("not found").downcast::<String>().expect("a message");
    assert!(message.contains("crates/x/src/lib.rs:1: use nom::IResult;"), "{message}");

    let innocent = [
        source(
            "crates/x/src/lib.rs",
            "// nom::\nfn f() {}\n#[cfg(test)]\nmod tests { use nom::x; }",
        ),
        source("crates/x/tests/all.rs", "use nom::IResult;"),
    ];
    forbid(&innocent, &["nom::"], "innocent", |_| false);
}
