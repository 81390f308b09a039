//! What people look at: health, metrics, the API and the page.
//!
//! It has a thread of its own beside those that serve machines: whoever looks, or guesses tokens, delays no boot.
//! A request goes `connections` → `access` (who is this, and may they) → a handler of `health`, `metrics`, `api` or
//! `page`. What belongs to the first loop (leases, the configuration) is asked of it by `driver::Asker`.

mod access;
mod api;
mod connections;
mod door;
mod health;
mod metrics;
mod news;
mod page;
mod problem;
mod time;
mod token_command;
mod tokens;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Router, middleware};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::config::{Config, Fault};
use crate::content::Finder;
use crate::driver::{Asker, Vitals};
use crate::engine;
use crate::house::{InUse, Reload};
use crate::http::{self, listen, tls};
use crate::journal::Journal;

use access::Access;
pub use api::PAGE_ROWS_MAX;
pub use connections::{
    PAGE_CONNECTIONS_MAX, PAGE_CONNECTIONS_PER_ADDRESS_MAX, PAGE_REQUEST_TIME_MAX,
};
pub use door::{FAILING_ADDRESSES_MAX, FAILURES_PER_MINUTE_MAX};
use metrics::Metrics;
pub use metrics::TIMED_BOOTS_MAX;
use news::News;
pub use token_command::{TokenOptions, run as run_token_command};
use tokens::TokenFile;
pub use tokens::{PROVEN_TOKENS_MAX, TOKEN_FILE_BYTES_MAX, TOKENS_MAX};

/// Bytes of a request's body.
pub const PAGE_BODY_BYTES_MAX: usize = 256 << 10;
/// Threads that hash tokens and wait for loops and disks.
const WAITING_THREADS_MAX: usize = 4;

/// A bound port, its certificate and its tokens.
pub struct Port {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    tokens: TokenFile,
}

impl Port {
    /// Binds the port of the configuration; `None` if nobody is to look. A port that nobody asked for by name and that
    /// cannot be had is no fault: then the reason is the second of the pair.
    ///
    /// # Errors
    /// A taken port, a certificate that cannot be used, or a listener off the loopback without a token.
    pub fn bind(config: &Config) -> Result<(Option<Self>, Option<Fault>), http::Faults> {
        let admin = &config.admin;
        if !admin.enabled {
            return Ok((None, None));
        }
        let tls = tls::acceptor("admin", admin.certificate.as_ref(), admin.key.as_ref());
        let tokens = TokenFile::of(config);
        let mut faults = http::Faults::default();
        match &tls {
            Ok(_) => {}
            Err(list) => faults.certificate.clone_from(list),
        }
        faults.certificate.extend(guard(config, &tokens));
        match listen::bind("the admin page", "admin.listen", admin.listen) {
            Ok(listener) if faults.certificate.is_empty() => {
                let tls = tls.unwrap_or_default();
                return Ok((Some(Self { listener, tls, tokens }), None));
            }
            Ok(_) => {}
            Err(fault) if !admin.is_wanted && faults.certificate.is_empty() => {
                let problem = format!("no page, API and metrics: {}", fault.problem);
                return Ok((None, Some(Fault::new(fault.key, problem, fault.remedy))));
            }
            Err(fault) => faults.port = Some(fault),
        }
        Err(faults)
    }
}

/// What must not be open to others.
fn guard(config: &Config, tokens: &TokenFile) -> Option<Fault> {
    let admin = &config.admin;
    match tokens.check() {
        Err(problem) => Some(Fault::new("admin.tokens", problem, "mend or remove the file")),
        Ok(0) if !admin.is_local() => Some(Fault::new(
            "admin.listen",
            format!("{} can be reached by others, and there is no token", admin.listen),
            "make one: pxe-server token add NAME --role admin; or listen = \"127.0.0.1:8081\"",
        )),
        Ok(_) => None,
    }
}

/// What is allowed, and yet may not be meant.
pub fn doubt(config: &Config) -> Option<Fault> {
    let admin = &config.admin;
    (admin.enabled && !admin.listen.ip().is_loopback() && !admin.is_tls()).then(|| {
        Fault::new(
            "admin.listen",
            format!("{} is without TLS: whoever sees the traffic sees the tokens", admin.listen),
            "certificate = \"…\" and key = \"…\", or listen on the loopback behind a proxy",
        )
    })
}

/// What the handlers look at.
pub struct Parts {
    /// The configuration and the loaders in use.
    pub in_use: Arc<InUse>,
    /// How the loops are.
    pub vitals: Arc<Vitals>,
    /// Asks the first loop.
    pub asker: Asker,
    /// Reads the configuration, to try changes on it.
    pub reload: Reload,
    /// The decision.
    pub shared: Arc<engine::Shared>,
    /// The stories.
    pub journal: Arc<Journal>,
    /// Finds files and images.
    pub finder: Finder,
    /// How much HTTP there is, if there is any.
    pub http: Option<http::Traffic>,
}

/// What every handler has.
#[derive(Clone)]
struct Site {
    parts: Arc<Parts>,
    metrics: Arc<Metrics>,
    news: Arc<News>,
    document: Arc<serde_json::Value>,
    checkups: Arc<api::Checkups>,
}

/// The page and its neighbours being served, until this is dropped.
pub struct Server {
    runtime: Option<Runtime>,
}

impl Server {
    /// Serves what `parts` have.
    pub fn start(port: Port, parts: Parts) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(WAITING_THREADS_MAX)
            .thread_name("admin")
            .enable_io()
            .enable_time()
            .build()?;
        let access = Arc::new(Access::new(&parts.in_use.config().admin, port.tokens));
        let parts = Arc::new(parts);
        let (metrics, news) = (Metrics::of(&parts), News::of(&parts.journal));
        let (api, document) = api::routes();
        let document = Arc::new(serde_json::to_value(document).map_err(io::Error::other)?);
        let site = Site { parts, metrics, news, document, checkups: Arc::default() };
        let router = routes(access, api).with_state(site);
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(port.listener)?
        };
        runtime.spawn(connections::take(listener, port.tls, router));
        Ok(Self { runtime: Some(runtime) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn routes(access: Arc<Access>, api: Router<Site>) -> Router<Site> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .route("/", get(page::index))
        .route("/assets/{name}", get(page::asset))
        .merge(api)
        .fallback(async || problem::Problem::not_found("there is nothing here"))
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(PAGE_BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(access, access::check))
}
