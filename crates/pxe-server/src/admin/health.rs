//! `/healthz`: the process lives and its loops have their turns. `/readyz`: clients are served, part by part.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::Site;
use crate::config::{Config, DhcpMode};
use crate::driver::{STUCK_AFTER, Vitals};

/// How one part is.
#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// How everything is.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    ok: bool,
    parts: Vec<Part>,
}

impl Health {
    fn of(parts: Vec<Part>) -> (StatusCode, Json<Self>) {
        let ok = parts.iter().all(|part| part.ok);
        let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(Self { ok, parts }))
    }
}

fn part(name: &'static str, trouble: Option<String>) -> Part {
    Part { name, ok: trouble.is_none(), reason: trouble }
}

fn loops(vitals: &Vitals, now: Instant) -> Part {
    let stuck = vitals.idle(now).into_iter().filter(|idle| *idle > STUCK_AFTER).max();
    part("loops", stuck.map(|idle| format!("a loop has had no turn for {} s", idle.as_secs())))
}

pub(super) async fn alive(State(site): State<Site>) -> (StatusCode, Json<Health>) {
    Health::of(vec![loops(&site.parts.vitals, Instant::now())])
}

pub(super) async fn ready(State(site): State<Site>) -> (StatusCode, Json<Health>) {
    Health::of(parts(&site.parts.in_use.config(), &site.parts.vitals, Instant::now()))
}

/// Each part that clients need.
fn parts(config: &Config, vitals: &Vitals, now: Instant) -> Vec<Part> {
    // Every socket is bound before anything is served, else the program ends.
    let starting = (!vitals.is_ready()).then(|| "the server is starting".to_owned());
    let mut parts = vec![loops(vitals, now), part("sockets", starting)];
    if config.dhcp.mode == DhcpMode::Server {
        let away = vitals.is_store_away().then(|| {
            "the lease store does not answer: no lease is given or extended until it does"
                .to_owned()
        });
        parts.push(part("store", away));
    }
    if config.tftp.enabled || config.http.enabled {
        let root = std::fs::metadata(&config.root);
        let trouble = match root {
            Ok(root) if root.is_dir() => None,
            Ok(_) => Some("the root is no folder".to_owned()),
            // Loaders of system packages are served without one.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => Some(format!("the root folder cannot be read: {error}")),
        };
        parts.push(part("files", trouble));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_starts_is_alive_and_not_ready() {
        let (config, vitals, now) = (Config::default(), Vitals::default(), Instant::now());
        assert!(loops(&vitals, now).ok);
        let red: Vec<_> =
            parts(&config, &vitals, now).into_iter().filter(|part| !part.ok).collect();
        assert_eq!((red.len(), red[0].name), (1, "sockets"));
        vitals.set_ready();
        assert!(parts(&config, &vitals, now).iter().all(|part| part.ok));
    }
}
