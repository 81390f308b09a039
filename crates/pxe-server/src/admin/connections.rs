//! Connections to the page: taken, encrypted if they are to be, and served until they end.

use core::net::IpAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use log::{debug, warn};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::door;
use crate::http::slots::{Admission, Slots};
use crate::http::steady::Steady;
use crate::http::{HANDSHAKE_WAIT_MAX, HEAD_BYTES_MAX, HEADERS_MAX, REQUEST_WAIT_MAX, STALL_MAX};

/// Connections at once.
pub const PAGE_CONNECTIONS_MAX: usize = 256;
/// Connections of one address at once.
pub const PAGE_CONNECTIONS_PER_ADDRESS_MAX: usize = 64;
/// From a request's head to the head of its answer.
pub const PAGE_REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// Pause after the system could give us no connection: descriptors have run out.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Takes connections for ever.
pub(super) async fn take(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router) {
    let slots = Slots::new(PAGE_CONNECTIONS_MAX, PAGE_CONNECTIONS_PER_ADDRESS_MAX);
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    warn!("cannot take a connection to the admin page: {error}");
                    sleep(PAUSE_AFTER_FAILURE).await;
                }
                continue;
            }
        };
        let address = address.ip().to_canonical();
        // Whoever only waits makes room; if nobody does, the newcomer is turned away.
        if let Some(admission) = slots.admit(address) {
            tokio::spawn(serve(stream, tls.clone(), router.clone(), address, admission));
        }
    }
}

async fn serve(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    address: IpAddr,
    admission: Admission,
) {
    let _ = stream.set_nodelay(true);
    let slot = Arc::clone(&admission.slot);
    let served = async {
        let Some(tls) = tls else {
            let stream = Steady::new(stream, Arc::clone(&slot), STALL_MAX);
            return speak(stream, router, address, &admission).await;
        };
        match timeout(HANDSHAKE_WAIT_MAX, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let stream = Steady::new(stream, Arc::clone(&slot), STALL_MAX);
                speak(stream, router, address, &admission).await;
            }
            Ok(Err(error)) => debug!("admin page: {address}: no TLS: {error}"),
            Err(_) => debug!("admin page: {address}: no TLS in {HANDSHAKE_WAIT_MAX:?}"),
        }
    };
    tokio::select! {
        () = served => {}
        () = slot.must_leave() => {}
    }
}

async fn speak<S>(stream: S, router: Router, address: IpAddr, admission: &Admission)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(|request: Request<hyper::body::Incoming>| {
        let (router, work) = (router.clone(), admission.work());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(address));
            let answer = timeout(PAGE_REQUEST_TIME_MAX, door::call(router, request)).await;
            drop(work);
            Ok::<_, core::convert::Infallible>(answer.unwrap_or_else(|_| door::late()))
        }
    });
    let connection = Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_WAIT_MAX)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        debug!("admin page: {address}: {error}");
    }
}
