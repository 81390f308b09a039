//! A PostgreSQL server outside the namespace, where it may run as somebody without rights, and its switch inside.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use crate::common::Folder;
use crate::postgres::Postgres;
use crate::stage::run_inside;

const URL: &str = "PXE_TEST_DATABASE";
const SWITCH: &str = "PXE_TEST_DATABASE_SWITCH";
const OFF: u8 = b'-';
const ON: u8 = b'+';
const END: u8 = b'.';

/// The database, as the test inside sees it.
pub(crate) struct Database {
    pub(crate) url: String,
    switch: String,
}

impl Database {
    /// Starts one and runs the test again in a namespace; skips it, and says so, where PostgreSQL is not installed.
    pub(crate) fn run_with(test: &str) {
        let Some(postgres) = Postgres::start() else { return };
        let folder = Folder::new("switch");
        let switch = folder.0.join("switch");
        let listener = UnixListener::bind(&switch).expect("a socket");
        std::thread::scope(|scope| {
            scope.spawn(|| serve(&listener, &postgres));
            let environment = [(URL, &*postgres.url()), (SWITCH, &switch.to_string_lossy())];
            let ran = std::panic::catch_unwind(|| run_inside(test, &environment));
            press(&switch, END);
            match ran {
                Ok(said) => print!("{said}"),
                Err(failure) => std::panic::resume_unwind(failure),
            }
        });
    }

    /// Where the test runs inside.
    pub(crate) fn inside() -> Self {
        let value = |name| std::env::var(name).expect("set by the run outside");
        Self { url: value(URL), switch: value(SWITCH) }
    }

    /// Stops it as a failure does; returns when it is down.
    pub(crate) fn halt(&self) {
        press(Path::new(&self.switch), OFF);
    }

    /// Starts it again; returns when it answers.
    pub(crate) fn resume(&self) {
        press(Path::new(&self.switch), ON);
    }
}

fn press(switch: &Path, what: u8) {
    let mut stream = UnixStream::connect(switch).expect("the switch");
    stream.write_all(&[what]).expect("asked");
    let mut done = [0];
    stream.read_exact(&mut done).expect("done");
}

fn serve(listener: &UnixListener, postgres: &Postgres) {
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        let mut what = [0];
        stream.read_exact(&mut what).expect("a word");
        match what[0] {
            OFF => postgres.halt(),
            ON => postgres.resume(),
            _ => {}
        }
        stream.write_all(&what).expect("answered");
        if what[0] == END {
            return;
        }
    }
}
