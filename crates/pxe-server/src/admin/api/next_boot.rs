//! Orders for the next boot of a machine.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use log::info;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::edit::waiting;
use crate::admin::Site;
use crate::admin::access::Who;
use crate::admin::problem::{Asked, Of, Part, Problem, Refused, Unfit};
use crate::engine::{ClientId, Once, Order};
use crate::next_boot::{NextBootError, NextBoots, parse, text};

/// What spends an order.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SpentBy {
    /// The machine says that it is done.
    #[default]
    Done,
    /// What it names has gone to the machine.
    Delivered,
}

/// What is ordered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderWanted {
    /// `menu`, `local`, `image NAME` or `script NAME`.
    what: String,
    #[serde(default)]
    once: SpentBy,
}

/// An order that stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ordered {
    /// The machine's hardware address.
    mac: String,
    /// `menu`, `local`, `image NAME` or `script NAME`.
    what: String,
    once: SpentBy,
    /// When it was given, in milliseconds of UNIX time.
    given: u64,
}

/// Which are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Chosen {
    /// That of this hardware address alone.
    mac: Option<String>,
}

impl Ordered {
    pub(super) fn of((mac, order): ([u8; 6], Order)) -> Self {
        Self {
            mac: ClientId::Mac(mac).to_string(),
            what: text(&order.boots),
            once: match order.once {
                Once::Done => SpentBy::Done,
                Once::Delivered => SpentBy::Delivered,
            },
            given: order.given_ms,
        }
    }
}

impl From<NextBootError> for Problem {
    fn from(error: NextBootError) -> Self {
        let status = match error {
            NextBootError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            NextBootError::Disk { .. } => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

/// Every order that stands, by hardware address
#[utoipa::path(
    get, operation_id = "list_next_boots", path = "/api/v1/next-boot", tag = "next boot", params(Chosen),
    responses((status = 200, body = Vec<Ordered>), Refused)
)]
pub(super) async fn list(
    State(site): State<Site>,
    Of(chosen): Of<Chosen>,
) -> Result<Json<Vec<Ordered>>, Problem> {
    let mac = chosen.mac.as_deref().map(address).transpose()?;
    waiting(move || {
        let orders = kept(&site);
        let list = match mac {
            Some(mac) => orders.get(mac).into_iter().map(|order| (mac, order)).collect(),
            None => orders.list(),
        };
        Ok(Json(list.into_iter().map(Ordered::of).collect()))
    })
    .await
}

/// Orders what a machine boots next, instead of what was ordered before
#[utoipa::path(
    put, operation_id = "put_next_boot", path = "/api/v1/next-boot/{mac}", tag = "next boot",
    params(("mac" = String, Path, description = "The machine's hardware address")),
    request_body = OrderWanted,
    responses((status = 200, body = Ordered), Refused, Unfit)
)]
pub(super) async fn put(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Part(mac): Part<String>,
    Asked(wanted): Asked<OrderWanted>,
) -> Result<Json<Ordered>, Problem> {
    let mac = address(&mac)?;
    let boots = parse(&wanted.what).ok_or_else(|| {
        let what = &wanted.what;
        let why = format!("{what:?} is nothing to boot: menu, local, image NAME or script NAME");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why)
    })?;
    let once = match wanted.once {
        SpentBy::Done => Once::Done,
        SpentBy::Delivered => Once::Delivered,
    };
    waiting(move || {
        let ordered = Ordered::of((mac, kept(&site).set(mac, boots, once)?));
        info!("{} ordered {} for the next boot of {}", who.name, ordered.what, ordered.mac);
        Ok(Json(ordered))
    })
    .await
}

/// Takes an order back
#[utoipa::path(
    delete, operation_id = "delete_next_boot", path = "/api/v1/next-boot/{mac}", tag = "next boot",
    params(("mac" = String, Path, description = "The machine's hardware address")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, body = Problem, content_type = "application/problem+json"), Refused
    )
)]
pub(super) async fn delete(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Part(mac): Part<String>,
) -> Result<StatusCode, Problem> {
    let mac = address(&mac)?;
    waiting(move || {
        if !kept(&site).clear(mac)? {
            return Err(Problem::not_found(format!(
                "nothing is ordered for {}",
                ClientId::Mac(mac)
            )));
        }
        info!("{} took back the order for the next boot of {}", who.name, ClientId::Mac(mac));
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

fn kept(site: &Site) -> NextBoots {
    NextBoots::new(&site.parts.in_use.config())
}

fn address(text: &str) -> Result<[u8; 6], Problem> {
    pxe_select::parse_mac(text).ok_or_else(|| {
        let why = format!("{text:?} is no hardware address like 52:54:00:aa:00:01");
        Problem::new(StatusCode::BAD_REQUEST, why)
    })
}
