//! Files by HTTP and HTTPS: for UEFI HTTP Boot, iPXE, GRUB, and everything that an operating system fetches next.
//!
//! hyper speaks HTTP/1.1, on threads of its own beside the mio loops. Nothing of axum is used: there are two places to
//! route to, and the bodies are our own. A request goes `path` → `answers` → `files` (the one decision, the
//! file) → `body` (its bytes, as the client takes them; `lane` and `socket` let the kernel move them); `story` tells what
//! became of it.

mod answers;
mod body;
mod booted;
mod catalogue;
mod connections;
mod done;
mod files;
mod lane;
pub(crate) mod listen;
mod media;
mod path;
mod ranges;
mod said;
mod seeds;
pub(crate) mod slots;
mod socket;
pub(crate) mod steady;
mod story;
pub(crate) mod tls;
mod validators;

use core::net::IpAddr;
use core::sync::atomic::Ordering;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::config::{Config, Fault};
use crate::content::Finder;
use crate::driver::BindFault;
use crate::engine;
use crate::journal::Journal;
use crate::next_boot::DoneTokens;

use answers::Service;
use body::Blocks;
pub use body::{BLOCK_BYTES_MAX, BLOCKS_BYTES_MAX};
pub use connections::{
    HANDSHAKE_WAIT_MAX, HEAD_BYTES_MAX, HEADERS_MAX, REQUEST_WAIT_MAX, STALL_MAX,
};
pub use ranges::RANGES_MAX;
use slots::Slots;
pub use story::LINES_PER_SECOND_MAX;
use story::Story;

/// Threads that wait for disks, over all connections.
pub const DISK_THREADS_MAX: usize = 16;
/// Threads that serve connections: one for each core, at most so many.
pub const HTTP_THREADS_MAX: usize = 4;

/// A bound port, and the certificate that was read for it.
pub struct Port {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Port {
    /// Binds the port of the configuration and reads the certificate; `None` if HTTP is off.
    pub fn bind(config: &Config) -> Result<Option<Self>, Faults> {
        let http = &config.http;
        if !http.enabled {
            return Ok(None);
        }
        let tls = tls::acceptor("http", http.certificate.as_ref(), http.key.as_ref());
        let what = if http.is_tls() { "HTTPS" } else { "HTTP" };
        match (listen::bind(what, "http.listen", http.listen), tls) {
            (Ok(listener), Ok(tls)) => Ok(Some(Self { listener, tls })),
            (bound, tls) => {
                let certificate = tls.err().unwrap_or_default();
                Err(Faults { port: bound.err(), certificate })
            }
        }
    }
}

/// What keeps HTTP from being served.
#[derive(Debug, Default)]
pub struct Faults {
    /// The machine's: a port that cannot be bound.
    pub port: Option<BindFault>,
    /// The configuration's: a certificate or a key that cannot be used.
    pub certificate: Vec<Fault>,
}

/// HTTP being served, until this is dropped.
pub struct Server {
    runtime: Option<Runtime>,
    traffic: Traffic,
}

/// How much HTTP there is.
#[derive(Clone)]
pub struct Traffic {
    story: Arc<Story>,
    slots: Arc<Slots>,
}

impl Traffic {
    /// Bytes of files sent since the start.
    pub fn bytes(&self) -> u64 {
        self.story.sent_bytes.load(Ordering::Relaxed)
    }

    /// Connections now.
    pub fn connections(&self) -> usize {
        self.slots.count()
    }

    /// Answers under way.
    pub fn downloads(&self) -> usize {
        self.slots.working()
    }
}

impl Server {
    /// Serves what `finder` finds to whom `shared` lets have it, and tells `journal` of it.
    pub fn start(
        port: Port,
        config: &Config,
        finder: Finder,
        shared: Arc<engine::Shared>,
        journal: Arc<Journal>,
    ) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, core::num::NonZero::get);
        let runtime = Builder::new_multi_thread()
            .worker_threads(cores.min(HTTP_THREADS_MAX))
            .max_blocking_threads(DISK_THREADS_MAX)
            .thread_name("http")
            .enable_io()
            .enable_time()
            .build()?;
        let http = &config.http;
        let slots = Slots::new(http.connections_max, http.connections_per_address_max);
        let service = Arc::new(Service {
            finder: Arc::new(finder),
            story: Arc::new(Story::new(shared, journal)),
            blocks: Arc::new(Blocks::new(Arc::clone(&slots))),
            config: http.clone(),
            advertise: config.advertise.map(IpAddr::V4),
            done: DoneTokens::new(config),
        });
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(port.listener)?
        };
        let story = Arc::clone(&service.story);
        runtime.spawn(async move { story.follow_searches().await });
        let traffic = Traffic { story: Arc::clone(&service.story), slots: Arc::clone(&slots) };
        runtime.spawn(connections::take(listener, port.tls, service, slots));
        Ok(Self { runtime: Some(runtime), traffic })
    }

    /// For those who measure.
    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A thread that waits for a dead disk must not keep the server from ending.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
