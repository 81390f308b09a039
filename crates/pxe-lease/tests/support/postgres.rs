//! A PostgreSQL server of the test's own: in a temporary folder, on a Unix socket, by a user without rights.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::unistd::{User, geteuid};

pub struct Postgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// Whom the server runs as; PostgreSQL refuses to be root.
    user: Option<User>,
}

impl Postgres {
    /// Starts a server; `None`, with the reason printed, where PostgreSQL is not installed. In CI that is a failure.
    pub fn start() -> Option<Self> {
        let Some(programs) = find_programs() else {
            let advice = "PostgreSQL is not installed (apt-get install postgresql)";
            assert!(std::env::var_os("CI").is_none_or(|it| it != "true"), "{advice}");
            println!("skipped: {advice}");
            return None;
        };
        let user = geteuid().is_root().then(|| {
            let find = |name| User::from_name(name).ok().flatten();
            find("postgres").or_else(|| find("nobody")).expect("a user without rights")
        });
        // A path short enough for a socket.
        let folder = tempfile::Builder::new().prefix("pxe-lease-").tempdir_in("/tmp").unwrap();
        if let Some(user) = &user {
            let (uid, gid) = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
            chown(folder.path(), uid, gid).expect("the folder's owner");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let server = Self { folder, programs, user };
        let data = server.data();
        let words = ["-D", &data, "-U", "pxe", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"];
        server.run("initdb", &words);
        server.resume();
        Some(server)
    }

    /// The address of its only database.
    pub fn url(&self) -> String {
        format!("host={} user=pxe dbname=postgres", self.folder.path().display())
    }

    /// Stops it as a failure does: nobody is waited for.
    pub fn halt(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
    }

    pub fn resume(&self) {
        let log = self.folder.path().join("log").display().to_string();
        let options = format!("-c listen_addresses='' -k {}", self.folder.path().display());
        let words = ["-D", &self.data(), "-l", &log, "-o", &options, "-w", "start"];
        self.run("pg_ctl", &words);
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, words: &[&str]) {
        let output = self.command(program, words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {words:?}: {error}");
    }

    fn command(&self, program: &str, words: &[&str]) -> Output {
        let mut command = Command::new(self.programs.join(program));
        command.args(words).current_dir(self.folder.path()).env_clear().env("LC_ALL", "C");
        // pg_ctl's server keeps what it inherits; a pipe would never end.
        let errors = self.folder.path().join("errors");
        let file = fs::File::create(&errors).expect("a file");
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(file);
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let status = command.status().unwrap_or_else(|why| panic!("{program}: {why}"));
        Output { status, stdout: Vec::new(), stderr: fs::read(&errors).unwrap_or_default() }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may be stopped already.
        let _ = self.command("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
    }
}

/// The folder with `initdb`: Debian keeps one for each version, others have it in the path.
fn find_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    folders.into_iter().find(|folder| has_all(folder))
}

fn has_all(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
}
