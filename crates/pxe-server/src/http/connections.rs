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
use super::slots::{Admission, Slots};
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
        let peer = Peer { address, local: local.ip().to_canonical() };
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
    peer: Peer,
    admission: Admission,
    patience: Patience,
) {
    // A head and its body leave as they come; waiting to fill packets would cost a round trip.
    let _ = stream.set_nodelay(true);
    let slot = Arc::clone(&admission.slot);
    let served = async {
        let Some(tls) = tls else {
            let stream = Steady::new(stream, Arc::clone(&slot), patience.stall);
            return speak(stream, service, peer, &admission, patience).await;
        };
        match timeout(patience.handshake, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let stream = Steady::new(stream, Arc::clone(&slot), patience.stall);
                speak(stream, service, peer, &admission, patience).await;
            }
            Ok(Err(error)) => debug!("{}: no TLS: {error}", peer.address),
            Err(_) => debug!("{}: no TLS in {:?}", peer.address, patience.handshake),
        }
    };
    tokio::select! {
        () = served => {}
        () = slot.must_leave() => debug!("{}: waited, and made room for another", peer.address),
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
    let answer = service_fn(|request| Arc::clone(&service).answer(request, peer, admission.work()));
    let connection = Builder::new()
        // Signed GRUB compares `Content-Length: ` byte for byte (docs/quirks.md).
        .title_case_headers(true)
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
