//! Machines that get something of their own.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::edit::{self, Origin};
use super::seen::{Seen, Tagged, version};
use crate::admin::Site;
use crate::admin::access::Who;
use crate::admin::problem::{Asked, Part, Problem, Refused, Unfit};
use crate::config::{Config, HostConfig};
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
    /// Stands for this state of it: `If-Match: "…"` lets a change in only while nobody else made one.
    version: String,
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
            version: version([&host.written]),
        }
    }
}

fn find(config: &Config, mac: &str) -> Option<Host> {
    let mut hosts = config.hosts.iter().enumerate();
    hosts.find(|(_, host)| bare(&host.mac.value) == bare(mac)).map(Host::of)
}

fn tagged(site: &Site, mac: &str) -> Result<Tagged<Host>, Problem> {
    let found = find(&site.parts.in_use.config(), mac);
    let host = found.ok_or_else(|| Problem::not_found(format!("{mac} has no host entry")))?;
    Ok(Tagged(host.version.clone(), host))
}

/// Whether the entry is as the sender of a change saw it.
fn check(seen: &Seen, config: &Config, mac: &str) -> Result<(), Problem> {
    let host = find(config, mac);
    let who = host
        .as_ref()
        .and_then(|host| Some((host.edited_by.as_deref()?, host.edited_at.as_deref()?)));
    seen.check(host.as_ref().map(|host| &*host.version), who)
}

/// Every host entry
#[utoipa::path(
    get, operation_id = "list_hosts", path = "/api/v1/hosts", tag = "hosts",
    responses((status = 200, body = Vec<Host>), Refused)
)]
pub(super) async fn list(State(site): State<Site>) -> Json<Vec<Host>> {
    Json(site.parts.in_use.config().hosts.iter().enumerate().map(Host::of).collect())
}

/// The host entry of a machine
#[utoipa::path(
    get, operation_id = "get_host", path = "/api/v1/hosts/{mac}", tag = "hosts",
    params(("mac" = String, Path, description = "Its hardware address")),
    responses(
        (status = 200, body = Host, headers(("ETag" = String, description = "Its version"))),
        (status = 404, body = Problem, content_type = "application/problem+json"), Refused
    )
)]
pub(super) async fn one(
    State(site): State<Site>,
    Part(mac): Part<String>,
) -> Result<Tagged<Host>, Problem> {
    tagged(&site, &mac)
}

/// Makes or replaces the host entry of a machine
///
/// The body has the keys of `[[host]]` in the configuration. The machine's next request follows it.
#[utoipa::path(
    put, operation_id = "put_host", path = "/api/v1/hosts/{mac}", tag = "hosts",
    params(
        ("mac" = String, Path, description = "Its hardware address"),
        ("If-Match" = Option<String>, Header, description = "Only if its version is still this one"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if it has no entry yet")
    ),
    request_body(content = Value, example = json!({ "hostname": "node1", "loader": "snponly.efi" })),
    responses(
        (status = 200, body = Host, headers(("ETag" = String, description = "Its new version"))),
        (status = 412, description = "Somebody else was faster", body = Problem, content_type = "application/problem+json"),
        Refused, Unfit
    )
)]
pub(super) async fn put(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    seen: Seen,
    Part(mac): Part<String>,
    Asked(mut body): Asked<Value>,
) -> Result<Tagged<Host>, Problem> {
    if let Value::Object(object) = &mut body {
        object.insert("mac".to_owned(), Value::String(mac.clone()));
    }
    let entry = edit::entry(body, &who.name)?;
    let of = mac.clone();
    let what = format!("set the host entry of {}", mac.escape_debug());
    edit::change(&site, who.name, what, move |overrides, config| {
        check(&seen, config, &of)?;
        match overrides.host_mut(&of) {
            Some(known) => *known = entry,
            None => overrides.hosts.push(entry),
        }
        Ok(())
    })
    .await?;
    tagged(&site, &mac)
}

/// Removes the host entry of a machine
///
/// One of the configuration file cannot be removed from here; if the page had laid another one over it, it counts again.
#[utoipa::path(
    delete, operation_id = "delete_host", path = "/api/v1/hosts/{mac}", tag = "hosts",
    params(
        ("mac" = String, Path, description = "Its hardware address"),
        ("If-Match" = Option<String>, Header, description = "Only if its version is still this one")
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It stands in the configuration file", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else was faster", body = Problem, content_type = "application/problem+json"),
        Refused
    )
)]
pub(super) async fn delete(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    seen: Seen,
    Part(mac): Part<String>,
) -> Result<StatusCode, Problem> {
    let Tagged(_, known) = tagged(&site, &mac)?;
    if known.origin == Origin::File {
        let why =
            "it stands in the configuration file: remove it there, or lay another one over it";
        return Err(Problem::new(StatusCode::CONFLICT, why));
    }
    let what = format!("removed the host entry of {}", mac.escape_debug());
    edit::change(&site, who.name, what, move |overrides, config| {
        check(&seen, config, &mac)?;
        match overrides.remove_host(&mac) {
            true => Ok(()),
            false => Err(Problem::not_found(format!("{mac} has no host entry"))),
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
