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
mod seen;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::problem::Refused;
use super::tokens::Role;
pub(super) use doctor::Checkups;
pub use machines::PAGE_ROWS_MAX;

/// Where a described machine is asked about.
const EXPLAIN: &str = "/api/v1/explain";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "pxe-server",
        description = "Machines, leases, hosts and rules of a network-boot server.\n\nEach operation names the role that \
                       its token needs: `read` or `admin`, which may do everything. On the loopback looking needs none, \
                       and changing none as long as there is no admin token."
    ),
    modifiers(&Tokens)
)]
struct Document;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("What `pxe-server token add NAME --role read|admin` prints"));
        components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    }
}

/// The routes, and the document that describes them.
pub(super) fn routes() -> (axum::Router<Site>, utoipa::openapi::OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi())
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
        .split_for_parts();
    name_roles(&mut document);
    (router, document)
}

/// Says of each operation which role it needs, as OpenAPI 3.1 has it for schemes without scopes. Who is local may need
/// none.
fn name_roles(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let looks = [&mut item.get].into_iter().flatten().map(|operation| (Role::Read, operation));
        let others = [&mut item.put, &mut item.post, &mut item.delete].into_iter().flatten();
        let role = if changes_nothing(path) { Role::Read } else { Role::Admin };
        for (role, operation) in looks.chain(others.map(|operation| (role, operation))) {
            let token = SecurityRequirement::new("token", [role.to_string()]);
            operation.security = Some(vec![SecurityRequirement::default(), token]);
        }
    }
}

/// Whether a POST to this path is a question.
pub(super) fn changes_nothing(path: &str) -> bool {
    path == EXPLAIN
}

/// This document
#[utoipa::path(
    get, operation_id = "get_openapi", path = "/api/v1/openapi.json", tag = "about",
    responses((status = 200, description = "OpenAPI 3.1", body = Value), Refused)
)]
async fn document(State(site): State<Site>) -> Json<Value> {
    Json(site.document.as_ref().clone())
}
