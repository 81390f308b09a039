//! Boot programs: which firmware has one, and whether it is one.

use std::fs::File;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::edit::waiting;
use crate::admin::Site;
use crate::admin::problem::{Problem, Refused};
use crate::content::{FoundLoader, signed};

/// The boot program of one firmware.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Loader {
    firmware: String,
    /// The name clients are told; nothing if there is none.
    file: Option<String>,
    /// Where it is.
    path: Option<String>,
    bytes: Option<u64>,
    ok: bool,
    /// What is wrong, and what to do.
    trouble: Option<String>,
}

/// Every firmware with its boot program, and what is wrong with it
#[utoipa::path(
    get, operation_id = "list_loaders", path = "/api/v1/loaders", tag = "loaders",
    responses((status = 200, body = Vec<Loader>), Refused)
)]
pub(super) async fn list(State(site): State<Site>) -> Result<Json<Vec<Loader>>, Problem> {
    waiting(move || {
        let loaders = site.parts.in_use.loaders();
        let found = loaders.found().iter().map(|found| {
            let (bytes, trouble) = look(found);
            Loader {
                firmware: found.firmware.to_string(),
                file: Some(found.file_name.clone()),
                path: Some(found.path.display().to_string()),
                bytes,
                ok: trouble.is_none(),
                trouble,
            }
        });
        let missing = loaders.missing().iter().map(|missing| Loader {
            firmware: missing.firmware.to_string(),
            file: missing.configured.clone(),
            path: None,
            bytes: None,
            ok: false,
            trouble: Some(missing.to_string()),
        });
        Ok(Json(found.chain(missing).collect()))
    })
    .await
}

/// Its size, and what is wrong with it.
fn look(found: &FoundLoader) -> (Option<u64>, Option<String>) {
    let bytes = match File::open(&found.path).and_then(|file| file.metadata()) {
        Ok(metadata) => metadata.len(),
        Err(error) => return (None, Some(format!("it cannot be read: {error}"))),
    };
    let trouble = match bytes {
        0 => Some("the file is empty".to_owned()),
        _ => {
            let unfit = signed::program(&found.path).unfit_for(found.firmware);
            unfit.map(|what| format!("it is {what}"))
        }
    };
    (Some(bytes), trouble)
}
