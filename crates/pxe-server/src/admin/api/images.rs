//! Images: what each is, and how it boots.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::admin::Site;
use crate::admin::problem::Refused;

/// The images of the folder, as they were when it was looked at last
#[utoipa::path(
    get, operation_id = "list_images", path = "/api/v1/images", tag = "images",
    responses((status = 200, description = "The list that clients get at /images/, too", body = Value), Refused)
)]
pub(super) async fn list(State(site): State<Site>) -> Json<Value> {
    let listed = tokio::task::spawn_blocking(move || site.parts.finder.catalogue().to_value());
    Json(listed.await.unwrap_or_default())
}
