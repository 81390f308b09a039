//! The API. Each route carries its own description, of which the OpenAPI document is made: neither can be without the
//! other.

mod config;
mod doctor;
mod edit;
mod explain;
mod hosts;
mod images;
mod leases;
mod loaders;
#[allow(unused_qualifications, reason = "utoipa writes them")]
mod machines;
#[allow(unused_qualifications, reason = "utoipa writes them")]
mod next_boot;
mod rules;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::problem::Refused;
pub(super) use doctor::Checkups;
pub use machines::PAGE_ROWS_MAX;

#[derive(OpenApi)]
#[openapi(
    info(title = "pxe-server", description = "Machines, leases, hosts and rules of a network-boot server."),
    security((), ("token" = [])),
    modifiers(&Tokens)
)]
struct Document;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", bearer);
    }
}

/// The routes, and the document that describes them.
pub(super) fn routes() -> (axum::Router<Site>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(machines::list))
        .routes(routes!(machines::one))
        .routes(routes!(machines::events))
        .routes(routes!(hosts::list))
        .routes(routes!(hosts::one, hosts::put, hosts::delete))
        .routes(routes!(next_boot::list))
        .routes(routes!(next_boot::put, next_boot::delete))
        .routes(routes!(rules::list, rules::put))
        .routes(routes!(leases::list))
        .routes(routes!(leases::release))
        .routes(routes!(leases::pools))
        .routes(routes!(loaders::list))
        .routes(routes!(images::list))
        .routes(routes!(config::show))
        .routes(routes!(explain::explain))
        .routes(routes!(doctor::last, doctor::start))
        .routes(routes!(document))
        .split_for_parts()
}

/// This document
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "about",
    responses((status = 200, description = "OpenAPI 3.1", body = Value), Refused)
)]
async fn document(State(site): State<Site>) -> Json<Value> {
    Json(site.document.as_ref().clone())
}
