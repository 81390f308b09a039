//! Who may do what.
//!
//! A token in `Authorization: Bearer …` says who it is. On the loopback nobody needs one to look, nor to change things
//! as long as there is no admin token; but then the browser of somebody who sits here must not be used by strangers:
//! a name that is not ours in `Host` (DNS rebinding) and pages of other places (`Origin`, `Sec-Fetch-Site`) are refused.
//! There are no cookies.

use core::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use log::warn;
use tokio::sync::Semaphore;

use super::api;
use super::connections::Peer;
use super::door::Failures;
use super::problem::Problem;
use super::tokens::{Role, Token, TokenFile};
use crate::config::AdminConfig;

/// Who sent a request that is let through.
#[derive(Clone)]
pub(super) struct Who {
    /// The token's name, or `local`.
    pub(super) name: String,
    /// By which token, and where it stands.
    token: Option<(Arc<TokenFile>, Token)>,
}

impl Who {
    /// Whether what let them in still does: an answer may last for days.
    pub(super) fn is_let_in(&self) -> bool {
        self.token.as_ref().is_none_or(|(file, token)| file.has(token))
    }
}

/// What is needed to tell.
pub(super) struct Access {
    is_local: bool,
    hosts: Vec<String>,
    tokens: Arc<TokenFile>,
    failures: Mutex<Failures>,
    /// Hashing takes a processor and 19 MiB: one at a time.
    hashing: Semaphore,
}

/// Told to those who are not let in.
const NEEDS_TOKEN: &str =
    "a token is needed: Authorization: Bearer …; pxe-server token add makes one";

impl Access {
    pub(super) fn new(config: &AdminConfig, tokens: TokenFile) -> Self {
        Self {
            is_local: config.is_local(),
            hosts: config.hosts.iter().map(|host| host.value.to_ascii_lowercase()).collect(),
            tokens: Arc::new(tokens),
            failures: Mutex::default(),
            hashing: Semaphore::new(1),
        }
    }

    /// Whose the token of the request is; `None` without one.
    async fn owner(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Option<Token>, Problem> {
        let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
        let text = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let text = text.unwrap_or_default().trim().to_owned();
        let tokens = Arc::clone(&self.tokens);
        if let Some(owner) = tokens.proven(&text) {
            return Ok(Some(owner));
        }
        let failures = || self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if !failures().may_try(peer, Instant::now()) {
            let why = "too many wrong tokens came from this address: wait a minute";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, why));
        }
        let _turn = self.hashing.acquire().await;
        let owner = tokio::task::spawn_blocking(move || tokens.verify(&text)).await;
        if let Ok(Some(owner)) = owner {
            return Ok(Some(owner));
        }
        failures().note(peer, Instant::now());
        warn!("admin page: a wrong token from {peer}");
        Err(Problem::new(StatusCode::UNAUTHORIZED, "this token is not valid"))
    }

    /// Whether a request without a token may do this.
    fn without_token(&self, headers: &HeaderMap, changes: bool) -> Result<Who, Problem> {
        if !self.is_local {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, NEEDS_TOKEN));
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !is_ours(host, &self.hosts) {
            let why = format!("{host:?} is no name of this server: use its address or localhost");
            return Err(Problem::new(StatusCode::FORBIDDEN, why));
        }
        if changes && self.tokens.has_admin() {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, NEEDS_TOKEN));
        }
        Ok(Who { name: "local".to_owned(), token: None })
    }
}

/// Lets a request through, or says why not.
pub(super) async fn check(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    if is_public(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    let changes = !looks && !api::changes_nothing(request.uri().path());
    let who = match access.owner(request.headers(), peer).await {
        Err(problem) => Err(problem),
        Ok(Some(token)) if !changes || token.role == Role::Admin => {
            let name = token.name.clone();
            Ok(Who { name, token: Some((Arc::clone(&access.tokens), token)) })
        }
        Ok(Some(token)) => {
            let why = format!("the token of {} may look and not change", token.name);
            Err(Problem::new(StatusCode::FORBIDDEN, why))
        }
        Ok(None) => access.without_token(request.headers(), changes),
    };
    let from_elsewhere = other_site(request.headers());
    match who {
        Err(problem) => problem.into_response(),
        Ok(_) if from_elsewhere => {
            let why = "a page of another site may not ask this";
            Problem::new(StatusCode::FORBIDDEN, why).into_response()
        }
        Ok(_) if !looks && !has_json(request.method(), request.headers()) => {
            let why = "this is to be sent as Content-Type: application/json";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response()
        }
        Ok(who) => {
            request.extensions_mut().insert(who);
            next.run(request).await
        }
    }
}

/// What shows nothing of this server but that it is there.
fn is_public(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
        && (matches!(path, "/" | "/healthz" | "/readyz") || path.starts_with("/assets/"))
}

/// Whether a page of another site made the browser ask.
fn other_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let Some(origin) = text(ORIGIN.as_str()) else { return false };
    let host = text(HOST.as_str()).unwrap_or_default();
    origin.split_once("://").is_none_or(|(_, authority)| !authority.eq_ignore_ascii_case(host))
}

/// DELETE has no body; no page of another site can send one without asking first.
fn has_json(method: &Method, headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || (*method == Method::DELETE && kind.is_empty())
}

/// Whether a browser that was led here by a name of somebody else's would send this.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok() || name == "localhost" || names.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn names_of_others_are_refused() {
        for host in ["127.0.0.1:8081", "localhost", "LocalHost:80", "[::1]:8081", "pxe.example"] {
            assert!(is_ours(host, &["pxe.example".to_owned()]), "{host}");
        }
        for host in ["", "evil.example:8081", "localhost.evil.example", "pxe.example:x"] {
            assert!(!is_ours(host, &["pxe.example".to_owned()]), "{host}");
        }
    }

    #[test]
    fn pages_of_others_are_refused() {
        let host = ("host", "127.0.0.1:8081");
        for fine in [
            &[host][..],
            &[host, ("origin", "http://127.0.0.1:8081"), ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "none")],
        ] {
            assert!(!other_site(&headers(fine)), "{fine:?}");
        }
        for foul in [
            &[host, ("origin", "http://evil.example")][..],
            &[host, ("origin", "http://127.0.0.1:8082")],
            &[host, ("origin", "null")],
            &[host, ("sec-fetch-site", "cross-site")],
            &[host, ("sec-fetch-site", "same-site")],
        ] {
            assert!(other_site(&headers(foul)), "{foul:?}");
        }
    }

    #[test]
    fn changes_are_sent_as_json() {
        let json = headers(&[("content-type", "application/json; charset=utf-8")]);
        let form = headers(&[("content-type", "text/plain")]);
        assert!(has_json(&Method::PUT, &json) && has_json(&Method::DELETE, &headers(&[])));
        assert!(!has_json(&Method::PUT, &form) && !has_json(&Method::POST, &headers(&[])));
        assert!(!has_json(&Method::DELETE, &form));
    }
}
