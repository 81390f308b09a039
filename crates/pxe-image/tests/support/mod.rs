//! Images made by the usual programs, and what other programs say is in them.
#![allow(dead_code, unreachable_pub, reason = "every test uses its own part")]

pub mod made;
pub mod tree;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pxe_image::ReadAt;

/// A file as a source.
#[derive(Debug)]
pub struct Disk {
    file: File,
    size: u64,
}

impl Disk {
    pub fn open(path: &Path) -> Self {
        let file = File::open(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let size = file.metadata().expect("its size").len();
        Self { file, size }
    }
}

impl ReadAt for Disk {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(
            offset.checked_add(buffer.len() as u64).is_some_and(|end| end <= self.size),
            "a read of {} bytes at {offset} of {}",
            buffer.len(),
            self.size
        );
        FileExt::read_at(&self.file, buffer, offset)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

/// An empty folder for one test.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image").join(name);
    // What was there may be read-only.
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder that can be removed");
    }
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs a program that tests need.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    run_with_input(folder, program, arguments, "")
}

/// Runs one that reads commands.
pub fn run_with_input(folder: &Path, program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = started(folder, program, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|why| panic!("{}", missing(program, &why)));
    // A program that reads none may be gone already. The few commands that there are fit into the pipe.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("its end");
    assert!(
        output.status.success(),
        "{program} {}: {}\n{}{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs a program, and keeps what it prints in a file with holes where there are zeros.
pub fn run_to_sparse(folder: &Path, program: &str, arguments: &[&str], into: &str) {
    let mut child = started(folder, program, arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|why| panic!("{}", missing(program, &why)));
    let image = child.stdout.take().expect("its output");
    let to = format!("of={into}");
    let copied = Command::new("dd")
        .args(["bs=64k", "iflag=fullblock", "conv=sparse", "status=none", &to])
        .current_dir(folder)
        .stdin(image)
        .status()
        .expect("dd");
    assert!(copied.success());
    assert!(child.wait().expect("its end").success(), "{program} {}", arguments.join(" "));
}

fn started(folder: &Path, program: &str, arguments: &[&str]) -> Command {
    // Debian keeps mkudffs where only root looks.
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null());
    command
}

fn missing(program: &str, why: &io::Error) -> String {
    let package = match program {
        "7z" => "p7zip-full",
        "mkudffs" => "udftools",
        "newfs_udf" => "udfclient",
        "xorrisofs" => "xorriso",
        other => other,
    };
    format!(
        "{program} cannot be run ({why}): `cargo xtask test` installs it, or `apt-get install {package}`"
    )
}
