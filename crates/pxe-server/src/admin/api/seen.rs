//! Two people at once: a change says which state it was made on, and is refused if somebody else was faster
//! (RFC 9110 section 13, `If-Match` and `If-None-Match`).

use core::convert::Infallible;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use toml::Table;

use crate::admin::problem::Problem;

/// Bytes of a digest that make a version: enough to tell states of one entry apart.
const VERSION_BYTES: usize = 8;

/// What stands for the state of these entries: another one as soon as any of them changes.
pub(super) fn version<'t>(entries: impl IntoIterator<Item = &'t Table>) -> String {
    let mut digest = Sha256::new();
    for entry in entries {
        digest.update(entry.to_string());
        digest.update([0]);
    }
    let bytes = digest.finalize();
    bytes.iter().take(VERSION_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// An answer with its version as `ETag`.
pub(super) struct Tagged<T>(pub(super) String, pub(super) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut answer = Json(self.1).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.0)) {
            answer.headers_mut().insert(ETAG, tag);
        }
        answer
    }
}

/// What the sender of a change saw before.
#[derive(Debug, Default)]
pub(super) struct Seen {
    these: Option<String>,
    none_of: Option<String>,
}

impl Seen {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| {
            let values = headers.get_all(name);
            let values: Vec<_> =
                values.iter().map(|value| value.to_str().unwrap_or_default()).collect();
            (!values.is_empty()).then(|| values.join(","))
        };
        Self { these: text(IF_MATCH), none_of: text(IF_NONE_MATCH) }
    }

    /// Whether `present` is what the sender saw; nothing if there is no such thing now. `who` wrote it, and when.
    pub(super) fn check(
        &self,
        present: Option<&str>,
        who: Option<(&str, &str)>,
    ) -> Result<(), Problem> {
        let names = |list: &str| {
            list.split(',').map(str::trim).any(|tag| match tag {
                "*" => present.is_some(),
                tag => present.is_some_and(|version| tag.trim_matches('"') == version),
            })
        };
        let is_there = self.none_of.as_deref().is_some_and(names);
        if !is_there && self.these.as_deref().is_none_or(names) {
            return Ok(());
        }
        let by = who.map_or_else(String::new, |(name, when)| format!(", by {name} at {when}"));
        let what = match present {
            Some(_) if is_there => "it is there already",
            Some(_) => "it was changed meanwhile",
            None => "it was removed meanwhile",
        };
        let why =
            format!("{what}{by}; nothing was changed now: look at it as it is, then change that");
        Err(Problem::new(StatusCode::PRECONDITION_FAILED, why))
    }
}

impl<S: Sync> FromRequestParts<S> for Seen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_let_in(name: HeaderName, value: &'static str, present: Option<&str>) -> bool {
        let headers = [(name, HeaderValue::from_static(value))].into_iter().collect();
        Seen::of(&headers).check(present, None).is_ok()
    }

    #[test]
    fn a_change_of_what_was_seen_is_let_in() {
        assert!(Seen::default().check(None, None).is_ok(), "nobody has to say");
        for (value, present, expected) in [
            ("\"a1\"", Some("a1"), true),
            ("\"b2\", \"a1\"", Some("a1"), true),
            ("*", Some("a1"), true),
            ("\"a1\"", Some("b2"), false),
            ("\"a1\"", None, false),
            ("*", None, false),
            ("W/\"a1\"", Some("a1"), false),
            ("", Some("a1"), false),
        ] {
            assert_eq!(is_let_in(IF_MATCH, value, present), expected, "{value:?} {present:?}");
            assert_eq!(is_let_in(IF_NONE_MATCH, value, present), !expected, "{value:?}");
        }
    }

    #[test]
    fn who_was_faster_is_named() {
        let headers = [(IF_MATCH, HeaderValue::from_static("\"a1\""))].into_iter().collect();
        let problem = Seen::of(&headers).check(Some("b2"), Some(("anna", "2026-01-01")));
        let said = serde_json::to_string(&problem.expect_err("stale")).expect("JSON");
        assert!(said.contains("by anna at 2026-01-01") && said.contains("412"), "{said}");
    }

    #[test]
    fn a_version_is_of_every_entry_and_their_order() {
        let [a, b]: [Table; 2] = ["x = 1", "x = 2"].map(|text| text.parse().expect("TOML"));
        assert_eq!(version([&a, &b]), version([&a, &b]));
        let all = [version([]), version([&a]), version([&a, &b]), version([&b, &a])];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
    }
}
