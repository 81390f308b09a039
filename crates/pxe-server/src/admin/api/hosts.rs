//! Machines that get something of their own.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::edit::{self, Origin};
use crate::admin::Site;
use crate::admin::access::Who;
use crate::admin::problem::{Asked, Part, Problem, Refused, Unfit};
use crate::config::HostConfig;
use crate::overrides::bare;

/// A host entry.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Host {
    /// Its number, as reasons of decisions have it.
    number: usize,
    /// Its hardware address, as written.
    mac: String,
    /// The keys of `[[host]]` in the configuration.
    entry: Value,
    origin: Origin,
    /// Who wrote it, if it comes from the page.
    edited_by: Option<String>,
    /// When, as RFC 3339 has it.
    edited_at: Option<String>,
}

impl Host {
    fn of((index, host): (usize, &HostConfig)) -> Self {
        let shown = edit::shown(&host.written);
        Self {
            number: index + 1,
            mac: host.mac.value.clone(),
            entry: shown.entry,
            origin: Origin::of_host(host),
            edited_by: shown.by,
            edited_at: shown.at,
        }
    }
}

fn find(site: &Site, mac: &str) -> Result<Host, Problem> {
    let config = site.parts.in_use.config();
    let mut hosts = config.hosts.iter().enumerate();
    let found = hosts.find(|(_, host)| bare(&host.mac.value) == bare(mac));
    found.map(Host::of).ok_or_else(|| Problem::not_found(format!("{mac} has no host entry")))
}

/// Every host entry
#[utoipa::path(
    get, path = "/api/v1/hosts", tag = "hosts",
    responses((status = 200, body = Vec<Host>), Refused)
)]
pub(super) async fn list(State(site): State<Site>) -> Json<Vec<Host>> {
    Json(site.parts.in_use.config().hosts.iter().enumerate().map(Host::of).collect())
}

/// The host entry of a machine
#[utoipa::path(
    get, path = "/api/v1/hosts/{mac}", tag = "hosts",
    params(("mac" = String, Path, description = "Its hardware address")),
    responses((status = 200, body = Host), (status = 404, body = Problem, content_type = "application/problem+json"), Refused)
)]
pub(super) async fn one(
    State(site): State<Site>,
    Part(mac): Part<String>,
) -> Result<Json<Host>, Problem> {
    find(&site, &mac).map(Json)
}

/// Makes or replaces the host entry of a machine
///
/// The body has the keys of `[[host]]` in the configuration. The machine's next request follows it.
#[utoipa::path(
    put, path = "/api/v1/hosts/{mac}", tag = "hosts",
    params(("mac" = String, Path, description = "Its hardware address")),
    request_body = Value,
    responses(
        (status = 200, body = Host), Refused, Unfit
    )
)]
pub(super) async fn put(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Part(mac): Part<String>,
    Asked(mut body): Asked<Value>,
) -> Result<Json<Host>, Problem> {
    if let Value::Object(object) = &mut body {
        object.insert("mac".to_owned(), Value::String(mac.clone()));
    }
    let entry = edit::entry(body, &who.name)?;
    let of = mac.clone();
    let what = format!("set the host entry of {}", mac.escape_debug());
    edit::change(&site, who.name, what, move |overrides| {
        match overrides.host_mut(&of) {
            Some(known) => *known = entry,
            None => overrides.hosts.push(entry),
        }
        Ok(())
    })
    .await?;
    find(&site, &mac).map(Json)
}

/// Removes the host entry of a machine
///
/// One of the configuration file cannot be removed from here; if the page had laid another one over it, it counts again.
#[utoipa::path(
    delete, path = "/api/v1/hosts/{mac}", tag = "hosts",
    params(("mac" = String, Path, description = "Its hardware address")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"), Refused
    )
)]
pub(super) async fn delete(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Part(mac): Part<String>,
) -> Result<StatusCode, Problem> {
    let known = find(&site, &mac)?;
    if known.origin == Origin::File {
        let why =
            "it stands in the configuration file: remove it there, or lay another one over it";
        return Err(Problem::new(StatusCode::CONFLICT, why));
    }
    let what = format!("removed the host entry of {}", mac.escape_debug());
    edit::change(&site, who.name, what, move |overrides| match overrides.remove_host(&mac) {
        true => Ok(()),
        false => Err(Problem::not_found(format!("{mac} has no host entry"))),
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
