//! Connections: taken, encrypted if they are to be, and served until their client goes or has to.

use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use log::{debug, warn};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::answers::{Peer, Service};
use super::lane::Lane;
use super::slots::{Admission, Slots};
use super::socket::Socket;
use super::steady::Steady;

/// Bytes of a request's line and headers; a longer one is answered 431. hyper buffers as much of an answer.
pub const HEAD_BYTES_MAX: usize = 16_384;
/// Headers of a request; one with more is answered 431.
pub const HEADERS_MAX: usize = 64;
/// From a connection's beginning, or from the last answer, until the head of a request is whole.
pub const REQUEST_WAIT_MAX: Duration = Duration::from_secs(30);
/// For a TLS handshake.
pub const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(10);
/// In which a client has to take 16 KiB of what waits for it.
pub const STALL_MAX: Duration = Duration::from_secs(60);

/// How often connections that were turned away are told of, at most.
const REFUSALS_TOLD_EVERY: Duration = Duration::from_secs(60);
/// Pause after the system could give us no connection: descriptors have run out.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
struct Patience {
    request: Duration,
    handshake: Duration,
    stall: Duration,
}

const PATIENCE: Patience =
    Patience { request: REQUEST_WAIT_MAX, handshake: HANDSHAKE_WAIT_MAX, stall: STALL_MAX };

/// Takes connections for ever.
pub(super) async fn take(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    slots: Arc<Slots>,
) {
    let mut refusals = Refusals { count: 0, told: None };
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Some of these are of the one connection that went away while it waited.
                if !matches!(error.kind(), io::ErrorKind::ConnectionAborted) {
                    warn!("cannot take an HTTP connection: {error}");
                    sleep(PAUSE_AFTER_FAILURE).await;
                }
                continue;
            }
        };
        let address = address.ip().to_canonical();
        let Some(admission) = slots.admit(address) else {
            refusals.note(Instant::now());
            continue;
        };
        let Ok(local) = stream.local_addr() else { continue };
        let peer = Peer { address, local: local.ip().to_canonical(), lane: None };
        tokio::spawn(serve(stream, tls.clone(), Arc::clone(&service), peer, admission, PATIENCE));
    }
}

/// Connections for which there was no place.
struct Refusals {
    count: u64,
    told: Option<Instant>,
}

impl Refusals {
    fn note(&mut self, now: Instant) {
        self.count += 1;
        let due =
            self.told.is_none_or(|told| now.saturating_duration_since(told) >= REFUSALS_TOLD_EVERY);
        if due {
            warn!(
                "turned away {} HTTP connections: as many are being served as may be, in all or of one \
                 address (http.connections_max, http.connections_per_address_max)",
                self.count
            );
            (self.count, self.told) = (0, Some(now));
        }
    }
}

async fn serve(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    mut peer: Peer,
    admission: Admission,
    patience: Patience,
) {
    // A head and its body leave as they come; waiting to fill packets would cost a round trip.
    let _ = stream.set_nodelay(true);
    let (slot, address) = (Arc::clone(&admission.slot), peer.address);
    let served = async {
        let Some(tls) = tls else {
            let lane = Arc::new(Lane::default());
            peer.lane = Some(Arc::clone(&lane));
            let stream = Steady::new(Socket::new(stream, lane), Arc::clone(&slot), patience.stall);
            return speak(stream, service, peer, &admission, patience).await;
        };
        match timeout(patience.handshake, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let stream = Steady::new(stream, Arc::clone(&slot), patience.stall);
                speak(stream, service, peer, &admission, patience).await;
            }
            Ok(Err(error)) => debug!("{address}: no TLS: {error}"),
            Err(_) => debug!("{address}: no TLS in {:?}", patience.handshake),
        }
    };
    tokio::select! {
        () = served => {}
        () = slot.must_leave() => debug!("{address}: waited, and made room for another"),
    }
}

/// Speaks HTTP until either side has enough.
async fn speak<S>(
    stream: S,
    service: Arc<Service>,
    peer: Peer,
    admission: &Admission,
    patience: Patience,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer =
        service_fn(|request| Arc::clone(&service).answer(request, peer.clone(), admission.work()));
    let connection = Builder::new()
        // Signed GRUB compares `Content-Length: ` byte for byte (docs/quirks.md).
        .title_case_headers(true)
        // What is copied cannot be sent by the kernel (`lane`).
        .writev(peer.lane.is_some())
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .timer(TokioTimer::new())
        .header_read_timeout(patience.request)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        // Boot programs close connections as they like.
        debug!("{}: {error}", peer.address);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::PathBuf;

    use pxe_select::Policy;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::runtime::Builder;

    use super::super::body::Blocks;
    use super::super::story::Story;
    use super::*;
    use crate::config::HttpConfig;
    use crate::content::{self, Finder, Loaders};
    use crate::engine;

    const SHORT: Duration = Duration::from_millis(200);
    /// More than all buffers between us and a client that does not read.
    const LARGE_BYTES: u64 = 256 << 20;

    /// A server of one connection at a time that waits for clients no longer than [`SHORT`], and what
    /// `client` comes to with a connection to it.
    fn with_server<F: Future<Output = T>, T>(name: &str, client: impl FnOnce(TcpStream) -> F) -> T {
        let root = std::env::temp_dir().join(format!("pxe-http-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&root).expect("a folder");
        File::create(root.join("large")).expect("a file").set_len(LARGE_BYTES).expect("a size");
        let slots = Slots::new(1, 1);
        let service = Arc::new(service(root.clone(), &slots));
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let came = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let stream = TcpStream::connect(listener.local_addr().expect("an address"));
            let (client_side, accepted) = tokio::join!(stream, listener.accept());
            let (server_side, from) = accepted.expect("a connection");
            let peer = Peer { address: from.ip(), local: from.ip(), lane: None };
            let admission = slots.admit(peer.address).expect("a place");
            let patience = Patience { request: SHORT, handshake: SHORT, stall: SHORT };
            tokio::spawn(serve(server_side, None, service, peer, admission, patience));
            client(client_side.expect("connected")).await
        });
        std::fs::remove_dir_all(root).expect("clean");
        came
    }

    fn service(root: PathBuf, slots: &Arc<Slots>) -> Service {
        let done = crate::next_boot::DoneTokens::new(&crate::config::Config::default());
        Service {
            done,
            finder: Arc::new(Finder::new(root, Arc::new(content::Shared::new(Loaders::default())))),
            story: Arc::new(Story::new(
                engine::Shared::new(Policy::default()),
                crate::journal::Journal::new(),
            )),
            blocks: Arc::new(Blocks::new(Arc::clone(slots))),
            config: HttpConfig::default(),
            advertise: None,
        }
    }

    /// Everything until the server closes.
    async fn rest(stream: &mut TcpStream) -> Vec<u8> {
        let mut received = Vec::new();
        // A connection that is cut is over as well.
        let _ = stream.read_to_end(&mut received).await;
        received
    }

    #[test]
    fn a_request_that_does_not_come_ends_the_connection() {
        for begun in ["", "GET /boot/large HTTP/1.1\r\nHost: x\r\nX: "] {
            let came = with_server("slow", async |mut stream| {
                stream.write_all(begun.as_bytes()).await.expect("sent");
                timeout(20 * SHORT, rest(&mut stream)).await
            });
            let came = came.expect("the server closes");
            assert!(!came.starts_with(b"HTTP/1.1 200"), "{:?}", came.escape_ascii().to_string());
        }
    }

    #[test]
    fn an_idle_connection_ends_after_its_last_answer() {
        let came = with_server("idle", async |mut stream| {
            stream.write_all(b"HEAD /boot/large HTTP/1.1\r\n\r\n").await.expect("sent");
            timeout(20 * SHORT, rest(&mut stream)).await
        });
        let came = came.expect("the server closes");
        assert!(came.starts_with(b"HTTP/1.1 200 OK\r\n"), "{:?}", came.escape_ascii().to_string());
    }

    #[test]
    fn a_client_that_takes_nothing_is_not_waited_for() {
        let came = with_server("stalled", async |mut stream| {
            stream.write_all(b"GET /boot/large HTTP/1.1\r\n\r\n").await.expect("sent");
            sleep(5 * SHORT).await;
            timeout(20 * SHORT, rest(&mut stream)).await
        });
        let came = came.expect("the server closes");
        assert!(came.len() > 100_000 && (came.len() as u64) < LARGE_BYTES, "{} bytes", came.len());
    }

    #[test]
    fn a_slow_client_gets_everything() {
        let bytes = with_server("steady", async |mut stream| {
            stream.write_all(b"GET /boot/large HTTP/1.0\r\n\r\n").await.expect("sent");
            let (mut bytes, mut block, mut paused) = (0_usize, vec![0; 1 << 20], 0);
            while let Ok(count @ 1..) = stream.read(&mut block).await {
                bytes += count;
                // 64 pauses: much longer in all than the server waits for a client that stops.
                if bytes >> 22 > paused {
                    paused = bytes >> 22;
                    sleep(SHORT / 10).await;
                }
            }
            bytes as u64
        });
        assert!(bytes > LARGE_BYTES, "{bytes} bytes");
    }
}
