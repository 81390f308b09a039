//! Who has which address, in `server` mode.

use core::net::Ipv4Addr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use log::info;
use pxe_lease::{LeaseRecord, UnixSeconds};
use serde::Serialize;
use utoipa::ToSchema;

use super::edit::waiting;
use crate::admin::Site;
use crate::admin::access::Who;
use crate::admin::problem::{Part, Problem, Refused};
use crate::driver::{Answer, Question};
use crate::state::unix_ms;

/// The present or last use of an address.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Lease {
    #[schema(value_type = String)]
    address: Ipv4Addr,
    /// The client's hardware address.
    hardware: String,
    /// The name it gave itself; what is not printable is escaped.
    host_name: Option<String>,
    /// `leased`, `expired`, `released`, `declined` or `in-use`.
    state: String,
    /// Whether the client may use it now.
    active: bool,
    /// Whether a boot stage holds it, which an operating system follows.
    netboot: bool,
    /// Seconds of UNIX time.
    granted: u64,
    /// Seconds of UNIX time; nothing for a lease without end.
    expires: Option<u64>,
}

impl Lease {
    fn of(record: &LeaseRecord, now: UnixSeconds) -> Self {
        let active = record.is_active(now);
        let is_over = record.state == pxe_lease::LeaseState::Leased && !active;
        let name = record.host_name.as_ref().map(|name| name.escape_ascii().to_string());
        Self {
            address: record.address,
            hardware: record.hardware.to_string(),
            host_name: name,
            state: if is_over { "expired" } else { record.state.name() }.to_owned(),
            active,
            netboot: record.netboot,
            granted: record.granted.0,
            expires: (record.expires != UnixSeconds::NEVER).then_some(record.expires.0),
        }
    }
}

/// Every lease, by address
///
/// Empty in other modes than `server`.
#[utoipa::path(
    get, operation_id = "list_leases", path = "/api/v1/leases", tag = "leases",
    responses((status = 200, body = Vec<Lease>), Refused)
)]
pub(super) async fn list(State(site): State<Site>) -> Result<Json<Vec<Lease>>, Problem> {
    let asker = site.parts.asker.clone();
    waiting(move || {
        let Answer::Leases(mut records) = asker.ask(Question::Leases)? else {
            return Ok(Json(Vec::new()));
        };
        records.sort_by_key(|record| record.address);
        let now = UnixSeconds(unix_ms() / 1000);
        Ok(Json(records.iter().map(|record| Lease::of(record, now)).collect()))
    })
    .await
}

/// Ends a lease, as if its client had given it back
#[utoipa::path(
    delete, operation_id = "release_lease", path = "/api/v1/leases/{address}", tag = "leases",
    params(("address" = String, Path, description = "An IPv4 address")),
    responses(
        (status = 204, description = "It is released"),
        (status = 404, body = Problem, content_type = "application/problem+json"), Refused
    )
)]
pub(super) async fn release(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Part(address): Part<String>,
) -> Result<StatusCode, Problem> {
    let Ok(address) = address.parse() else {
        let why = format!("{address:?} is no IPv4 address");
        return Err(Problem::new(StatusCode::BAD_REQUEST, why));
    };
    let asker = site.parts.asker.clone();
    waiting(move || match asker.ask(Question::Release(address))? {
        Answer::Refused(why) => Err(Problem::not_found(why)),
        _ => {
            info!("{} released {address}", who.name);
            Ok(StatusCode::NO_CONTENT)
        }
    })
    .await
}

/// How full the pools of a network are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pool {
    /// The network's name, or its first subnet.
    network: String,
    /// Addresses in its pools.
    addresses: u64,
    leased: u64,
    offered: u64,
    /// Set aside because another machine uses them.
    quarantined: u64,
    free: u64,
}

/// How full the pools are
#[utoipa::path(
    get, operation_id = "list_pools", path = "/api/v1/pools", tag = "leases",
    responses((status = 200, body = Vec<Pool>), Refused)
)]
pub(super) async fn pools(State(site): State<Site>) -> Result<Json<Vec<Pool>>, Problem> {
    let asker = site.parts.asker.clone();
    waiting(move || {
        let Answer::Pools(pools) = asker.ask(Question::Pools)? else { return Ok(Json(Vec::new())) };
        let pool = |pool: crate::engine::PoolUse| Pool {
            network: pool.network,
            addresses: pool.usage.addresses,
            leased: pool.usage.leased,
            offered: pool.usage.offered,
            quarantined: pool.usage.quarantined,
            free: pool.usage.free,
        };
        Ok(Json(pools.into_iter().map(pool).collect()))
    })
    .await
}
