//! Before and after the router: whose tokens fail too often, and what every answer carries.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::problem::Problem;

/// Wrong tokens of one address in a minute; then it has to wait.
pub const FAILURES_PER_MINUTE_MAX: u32 = 10;
/// Addresses whose wrong tokens are counted.
pub const FAILING_ADDRESSES_MAX: usize = 1_024;

const MINUTE: Duration = Duration::from_secs(60);

/// What browsers are told with every answer. Nothing of the page comes from elsewhere, and no page may show it in a
/// frame.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Gives a request to the routes.
pub(super) async fn call(router: Router, request: Request) -> Response {
    let answered = TowerToHyperService::new(router).call(request).await;
    let mut answer = answered.unwrap_or_else(|never| match never {});
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer.map(Body::new)
}

/// The answer that did not come in time.
pub(super) fn late() -> Response {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no answer in time").into_response()
}

/// Counts wrong tokens.
#[derive(Default)]
pub(super) struct Failures {
    by_address: HashMap<IpAddr, (Instant, u32)>,
}

impl Failures {
    /// Whether this address may try again.
    pub(super) fn may_try(&self, address: IpAddr, now: Instant) -> bool {
        self.by_address.get(&address).is_none_or(|(since, count)| {
            now.saturating_duration_since(*since) >= MINUTE || *count < FAILURES_PER_MINUTE_MAX
        })
    }

    /// A token was wrong.
    pub(super) fn note(&mut self, address: IpAddr, now: Instant) {
        if self.by_address.len() >= FAILING_ADDRESSES_MAX && !self.by_address.contains_key(&address)
        {
            self.by_address.retain(|_, (since, _)| now.saturating_duration_since(*since) < MINUTE);
            let oldest = self.by_address.iter().min_by_key(|(_, (since, _))| *since);
            if self.by_address.len() >= FAILING_ADDRESSES_MAX
                && let Some(address) = oldest.map(|(address, _)| *address)
            {
                self.by_address.remove(&address);
            }
        }
        let (since, count) = self.by_address.entry(address).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= MINUTE {
            (*since, *count) = (now, 0);
        }
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_has_to_wait_and_memory_is_bounded() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        let address = |number: u32| IpAddr::from(number.to_be_bytes());
        for _ in 0..FAILURES_PER_MINUTE_MAX {
            assert!(failures.may_try(address(1), start));
            failures.note(address(1), start);
        }
        assert!(!failures.may_try(address(1), start));
        assert!(failures.may_try(address(2), start));
        assert!(failures.may_try(address(1), start + MINUTE));
        for number in 0..10_000 {
            failures.note(address(number), start);
        }
        assert!(failures.by_address.len() <= FAILING_ADDRESSES_MAX);
    }
}
