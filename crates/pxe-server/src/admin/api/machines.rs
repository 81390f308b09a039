//! Machines and their stories, as they are and as they change.

use core::convert::Infallible;
use core::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::{Extension, Json};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admin::Site;
use crate::admin::access::Who;
use crate::admin::problem::{Of, Part, Problem, Refused};
use crate::journal::{Filter, MachineStory, MachineSummary};

/// Machines of one answer.
pub const PAGE_ROWS_MAX: usize = 20_000;
/// Machines of one answer if nobody says how many.
const PAGE_ROWS_DEFAULT: usize = 1_000;
/// Changes are told no more often: a storm is many thousand a second.
const TOLD_EVERY: Duration = Duration::from_millis(250);
/// Something is sent so often, so that a connection that is gone is noticed.
const KEPT_ALIVE_EVERY: Duration = Duration::from_secs(15);

const LAST_EVENT_ID: &str = "last-event-id";

/// Which machines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// A part of the address, the firmware, the program, the file or the last step.
    q: Option<String>,
    /// Only those for which it goes like this: ok, busy, waiting, silent, held, denied, failed.
    verdict: Option<String>,
    /// Only this firmware.
    firmware: Option<String>,
    /// So many are left out at the beginning.
    #[param(minimum = 0)]
    offset: usize,
    /// At most so many.
    #[param(minimum = 0, maximum = 20000)]
    limit: usize,
}

impl Default for Wanted {
    fn default() -> Self {
        let (q, verdict, firmware) = (None, None, None);
        Self { q, verdict, firmware, offset: 0, limit: PAGE_ROWS_DEFAULT }
    }
}

/// Machines, those heard of last first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Machines {
    /// The number of the last change, to go on from with the events.
    sequence: u64,
    /// All machines with a story, whether they are listed here or not.
    known: usize,
    machines: Vec<MachineSummary>,
}

/// Machines that were heard of, the last one first
#[utoipa::path(
    get, operation_id = "list_machines", path = "/api/v1/machines", tag = "machines", params(Wanted),
    responses(
        (status = 200, body = Machines), Refused
    )
)]
pub(super) async fn list(
    State(site): State<Site>,
    Of(wanted): Of<Wanted>,
) -> Result<Json<Machines>, Problem> {
    if wanted.limit > PAGE_ROWS_MAX {
        let why = format!("limit: at most {PAGE_ROWS_MAX}; go on with offset");
        return Err(Problem::new(StatusCode::BAD_REQUEST, why));
    }
    let verdict = wanted.verdict.map(|word| {
        let parsed = serde_json::from_value(serde_json::Value::String(word.clone()));
        let why =
            format!("verdict: {word:?} is none; ok, busy, waiting, silent, held, denied or failed");
        parsed.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, why))
    });
    let filter = Filter {
        text: wanted.q.filter(|text| !text.is_empty()),
        verdict: verdict.transpose()?,
        firmware: wanted.firmware,
        offset: wanted.offset,
        limit: Some(wanted.limit),
    };
    let journal = &site.parts.journal;
    // The number first: a change between the two is told again, which does no harm.
    let sequence = journal.sequence();
    let machines = journal.machines(&filter);
    Ok(Json(Machines { sequence, known: journal.counts().machines, machines }))
}

/// The story of one machine
#[utoipa::path(
    get, operation_id = "get_machine", path = "/api/v1/machines/{id}", tag = "machines",
    params(("id" = String, Path, description = "Its hardware address, or an IP address it has or had")),
    responses(
        (status = 200, body = MachineStory),
        (status = 404, body = Problem, content_type = "application/problem+json"), Refused
    )
)]
pub(super) async fn one(
    State(site): State<Site>,
    Part(id): Part<String>,
) -> Result<Json<MachineStory>, Problem> {
    let story = site.parts.journal.machine(&id);
    story.map(Json).ok_or_else(|| Problem::not_found(format!("nothing was heard of {id}")))
}

/// From which change on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// The `sequence` of the list; without it, from now on.
    #[param(minimum = 0)]
    since: Option<u64>,
}

/// Machines as they change, as server-sent events
///
/// Each `machines` event has a JSON list of machines that changed, and the number of the change as its id. They end when
/// the token that asked for them is removed.
#[utoipa::path(
    get, operation_id = "machine_events", path = "/api/v1/events", tag = "machines",
    params(
        Since,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event; what an `EventSource` sends when it comes back. Goes before `since`")
    ),
    responses(
        (status = 200, description = "Events without end", content_type = "text/event-stream", body = String), Refused
    )
)]
pub(super) async fn events(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Of(since): Of<Since>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    let since = last.or(since.since).unwrap_or_else(|| site.parts.journal.sequence());
    let changes = stream::unfold((site, since), move |(site, since)| {
        let who = who.clone();
        told(site, since, who)
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(KEPT_ALIVE_EVERY))
}

/// The next event, with what the one after it needs; nothing if whoever listens may do so no more.
async fn told(
    site: Site,
    since: u64,
    who: Who,
) -> Option<(Result<Event, Infallible>, (Site, u64))> {
    loop {
        let news = site.news.wait(&site.parts.journal, since);
        let _ = tokio::time::timeout(KEPT_ALIVE_EVERY, news).await;
        if !who.is_let_in() {
            return None;
        }
        let (sequence, machines) = site.parts.journal.changes_since(since);
        if sequence == since {
            continue;
        }
        let event = Event::default().event("machines").id(sequence.to_string());
        let event = event.json_data(&machines).unwrap_or_default();
        tokio::time::sleep(TOLD_EVERY).await;
        return Some((Ok(event), (site, sequence)));
    }
}
