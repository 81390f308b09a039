//! The two servers, each with its best settings for large files.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

use super::clients::Url;
use crate::tftp::files::Files;
use crate::tftp::machine::Cores;
use crate::tftp::process::Process;

const PORT: u16 = 8088;
/// Connections that both allow.
const CONNECTIONS: usize = 4096;
/// How long a server may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// pxe-server
    Ours,
    /// nginx
    Nginx,
}

impl Server {
    /// Both, we first.
    pub const ALL: [Self; 2] = [Self::Ours, Self::Nginx];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "pxe-server",
            Self::Nginx => "nginx",
        }
    }
}

/// Where servers are and what they serve.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Our program.
    pub server: PathBuf,
    /// The files.
    pub files: Files,
    /// Where everybody runs.
    pub cores: Cores,
}

/// A server that answers.
#[derive(Debug)]
pub struct Running {
    /// The process.
    pub process: Process,
    prefix: &'static str,
}

impl Running {
    /// Where a file is.
    pub fn url(&self, name: &[u8]) -> Url {
        let path = format!("{}{}", self.prefix, String::from_utf8_lossy(name));
        Url { address: (Ipv4Addr::LOCALHOST, PORT).into(), path }
    }
}

impl Lab {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Errors
    /// If the program is not there, or does not answer in time.
    pub fn start(&self, server: Server) -> io::Result<Running> {
        let (command, prefix) = match server {
            Server::Ours => (self.ours()?, "/boot/"),
            Server::Nginx => (self.nginx()?, "/"),
        };
        let log = self.files.root().with_extension(format!("{}.log", server.name()));
        let mut process = Process::start(command, server == Server::Nginx, &self.cores, &log)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let deadline = Instant::now() + START_PATIENCE;
        while Instant::now() < deadline && process.is_alive() {
            thread::sleep(Duration::from_millis(50));
            if TcpStream::connect(address).is_ok() {
                return Ok(Running { process, prefix });
            }
        }
        let printed = fs::read_to_string(&log).unwrap_or_default();
        let last = printed.trim_end().lines().last().unwrap_or("it printed nothing").to_owned();
        Err(io::Error::other(format!("{} does not answer; {last}", server.name())))
    }

    fn ours(&self) -> io::Result<Command> {
        let root = self.files.root();
        let config = root.with_extension("toml");
        let text = format!(
            "interfaces = [\"lo\"]\nroot = {root:?}\n[dhcp]\nmode = \"off\"\n[tftp]\nenabled = false\n\
             [http]\nlisten = \"127.0.0.1:{PORT}\"\nconnections_max = {CONNECTIONS}\n\
             connections_per_address_max = {CONNECTIONS}\n"
        );
        fs::write(&config, text)?;
        let mut command = Command::new(&self.server);
        command.arg("--config").arg(config);
        Ok(command)
    }

    fn nginx(&self) -> io::Result<Command> {
        let folder = self.files.root().with_extension("nginx");
        fs::create_dir_all(&folder)?;
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|what| format!("{what}_temp_path {what};\n"))
            .collect();
        // A worker for each core, `sendfile` with full packets, no log, and files kept open.
        let text = format!(
            "daemon off;\nuser root;\nworker_processes {workers};\npid nginx.pid;\n\
             events {{ worker_connections {CONNECTIONS}; }}\n\
             http {{\naccess_log off;\nsendfile on;\ntcp_nopush on;\ntcp_nodelay on;\n\
             open_file_cache max=16;\nkeepalive_requests 1000000;\nkeepalive_timeout 300s;\n{temporary}\
             server {{ listen 127.0.0.1:{PORT} backlog={CONNECTIONS}; root {root:?}; }}\n}}\n",
            workers = self.cores.servers.len(),
            root = self.files.root(),
        );
        fs::write(folder.join("nginx.conf"), text)?;
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]
            .into_iter()
            .find(|path| fs::exists(path).is_ok_and(|exists| exists))
            .ok_or_else(|| io::Error::other("nginx is not installed: cargo xtask bench http"))?;
        let mut command = Command::new(program);
        command.arg("-p").arg(&folder).args(["-c", "nginx.conf", "-e", "stderr"]);
        Ok(command)
    }
}
