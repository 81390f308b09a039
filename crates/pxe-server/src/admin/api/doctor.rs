//! `doctor` from the page: one run at a time, and the last report.

use core::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use log::info;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::admin::Site;
use crate::admin::access::Who;
use crate::admin::problem::{Asked, Problem, Refused, Unfit};
use crate::doctor::{self, DoctorOptions};
use crate::state::unix_ms;

/// What is asked. Everything may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CheckupWanted {
    /// Ask as this machine instead of a made-up one.
    mac: Option<String>,
    /// The boot server that should be heard.
    #[schema(value_type = Option<String>)]
    server: Option<Ipv4Addr>,
}

/// The last run of doctor.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(super) struct Checkup {
    /// When the present run began, in milliseconds of UNIX time; nothing if there is none.
    running_since: Option<u64>,
    /// When the report was made, in milliseconds of UNIX time.
    made: Option<u64>,
    /// The last report, as `pxe-server doctor --json` prints it; nothing before the first.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
}

/// Keeps the last report, for as long as the server runs.
#[derive(Debug, Default)]
pub(in crate::admin) struct Checkups(Mutex<Checkup>);

impl Checkups {
    fn lock(&self) -> MutexGuard<'_, Checkup> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of one run; nothing while another has it.
    fn turn(self: &Arc<Self>) -> Option<Turn> {
        let mut checkup = self.lock();
        if checkup.running_since.is_some() {
            return None;
        }
        checkup.running_since = Some(unix_ms());
        Some(Turn(Arc::clone(self)))
    }
}

/// Ends when dropped, also if the run dies.
struct Turn(Arc<Checkups>);

impl Turn {
    fn report(&self, report: Value) {
        let mut checkup = self.0.lock();
        checkup.made = Some(unix_ms());
        checkup.report = Some(report);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().running_since = None;
    }
}

/// The last report, and whether one is being made
#[utoipa::path(
    get, operation_id = "get_doctor", path = "/api/v1/doctor", tag = "doctor",
    responses((status = 200, body = Checkup), Refused)
)]
pub(super) async fn last(State(site): State<Site>) -> Json<Checkup> {
    Json(site.checkups.lock().clone())
}

/// Asks the live network as each firmware would
///
/// It takes about ten seconds; GET has the report then. Safe on a production network: it takes no address.
#[utoipa::path(
    post, operation_id = "start_doctor", path = "/api/v1/doctor", tag = "doctor",
    request_body = CheckupWanted,
    responses(
        (status = 202, description = "It has begun", body = Checkup),
        (status = 409, description = "It runs already", body = Problem, content_type = "application/problem+json"),
        Refused, Unfit
    )
)]
pub(super) async fn start(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Asked(wanted): Asked<CheckupWanted>,
) -> Result<(StatusCode, Json<Checkup>), Problem> {
    let mut options = DoctorOptions::default();
    if let Some(text) = wanted.mac {
        let mac = pxe_select::parse_mac(&text).ok_or_else(|| {
            let why = format!("{text:?} is no hardware address like 52:54:00:aa:00:01");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why)
        })?;
        options = options.with_mac(mac);
    }
    if let Some(server) = wanted.server {
        options = options.with_server(server);
    }
    let turn = site.checkups.turn().ok_or_else(|| {
        Problem::new(StatusCode::CONFLICT, "doctor runs already: its report comes in some seconds")
    })?;
    info!("{} runs doctor", who.name);
    let config = site.parts.in_use.config();
    let run = move || {
        let report = doctor::report(&options, &config);
        turn.report(serde_json::to_value(report).unwrap_or_default());
    };
    let begun = site.checkups.lock().clone();
    thread::Builder::new().name("doctor".to_owned()).spawn(run).map_err(|error| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("no thread for doctor: {error}"))
    })?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
