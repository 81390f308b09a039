//! The page: files in the program, no build step, nothing from elsewhere.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::problem::{Part, Problem};

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file of the page: its name, its type, its text.
type Asset = (&'static str, &'static str, &'static str);

macro_rules! assets {
    ($($name:literal $kind:ident,)*) => {
        [$(($name, $kind, include_str!(concat!("../../assets/", $name)))),*]
    };
}

const ASSETS: &[Asset] = &assets![
    "index.html" HTML,
    "style.css" STYLE,
    "app.js" SCRIPT,
    "api.js" SCRIPT,
    "dom.js" SCRIPT,
    "words.js" SCRIPT,
    "sv.js" SCRIPT,
    "live.js" SCRIPT,
    "machines.js" SCRIPT,
    "list.js" SCRIPT,
    "story.js" SCRIPT,
    "hosts.js" SCRIPT,
    "rules.js" SCRIPT,
    "leases.js" SCRIPT,
    "loaders.js" SCRIPT,
    "images.js" SCRIPT,
    "explain.js" SCRIPT,
    "doctor.js" SCRIPT,
    "nextboot.js" SCRIPT,
];

pub(super) async fn index(headers: HeaderMap) -> Response {
    answer("index.html", &headers)
}

pub(super) async fn asset(Part(name): Part<String>, headers: HeaderMap) -> Response {
    answer(&name, &headers)
}

fn answer(name: &str, headers: &HeaderMap) -> Response {
    let Some((_, kind, text)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return Problem::not_found("the page has no such file").into_response();
    };
    let digest = Sha256::digest(text.as_bytes());
    let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut answer = match headers.get(IF_NONE_MATCH) {
        Some(known) if *known == tag => StatusCode::NOT_MODIFIED.into_response(),
        _ => (*text).into_response(),
    };
    let headers = answer.headers_mut();
    headers.insert(ETAG, tag);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}
