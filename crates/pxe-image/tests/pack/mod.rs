//! Files of which images and initrds are made; the crate's own unit tests use them too.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

/// A cpio archive (newc) of names and texts.
pub(crate) fn archive<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, text) in files.into_iter().chain([("TRAILER!!!", "")]) {
        write!(bytes, "070701{:08x}{:08x}", 1, 0o100_644).expect("memory");
        for number in [0, 0, 1, 0, text.len(), 0, 0, 0, 0, name.len() + 1, 0] {
            write!(bytes, "{number:08x}").expect("memory");
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// What a packing program makes of bytes.
pub(crate) fn packed(program: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program[0])
        .args(&program[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program[0]));
    let mut stdin = child.stdin.take().expect("a pipe");
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes).expect("a pipe"));
        child.wait_with_output().expect("its output").stdout
    })
}

/// Headers of an EFI program.
pub(crate) fn program(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 0x200];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x40;
    bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
    bytes[0x44..0x46].copy_from_slice(&machine.to_le_bytes());
    bytes[0x58..0x5a].copy_from_slice(&0x020b_u16.to_le_bytes());
    bytes[0x58 + 68] = 10;
    bytes
}
