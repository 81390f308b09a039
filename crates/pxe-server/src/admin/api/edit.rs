//! Changing hosts and rules: tried first, then written, then taken over by the running server as after SIGHUP.

use std::sync::Mutex;

use axum::http::StatusCode;
use log::info;
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::admin::problem::Problem;
use crate::admin::time::rfc3339;
use crate::admin::{Parts, Site};
use crate::config::{Config, Faults, HostConfig, RuleConfig};
use crate::content::Loaders;
use crate::driver::{Answer, Question};
use crate::overrides::Overrides;
use crate::state::unix_ms;
use crate::{addresses, policy};

/// Keys that tell who wrote an entry, and when.
const BY: &str = "edited-by";
const AT: &str = "edited-at";

/// One change at a time: what is read is still there when it is written.
static TURN: Mutex<()> = Mutex::new(());

/// Runs what may wait for a disk or a loop on a thread of its own.
pub(super) async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    })
}

/// Makes a change, and says in the log who made it. `edit` sees the configuration in use as it is when its turn comes.
pub(super) async fn change(
    site: &Site,
    who: String,
    what: String,
    edit: impl FnOnce(&mut Overrides, &Config) -> Result<(), Problem> + Send + 'static,
) -> Result<(), Problem> {
    let parts = site.parts.clone();
    waiting(move || {
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let config = parts.in_use.config();
        let state = &config.state;
        let before = Overrides::read(state)?;
        let mut after = before.clone();
        edit(&mut after, &config)?;
        try_out(&parts, &after)?;
        let unwritten = |error: std::io::Error| {
            let why = format!("{} cannot be written: {error}", state.display());
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, why)
        };
        after.write(state).map_err(unwritten)?;
        match parts.asker.ask(Question::Reload) {
            Ok(Answer::Faults(faults)) => {
                before.write(state).map_err(unwritten)?;
                return Err(faults.into());
            }
            Ok(_) => {}
            // It is written, and read at the next start.
            Err(error) => return Err(error.into()),
        }
        info!("{who} {what}");
        Ok(())
    })
    .await
}

/// Everything that could be wrong with the configuration and these entries.
fn try_out(parts: &Parts, overrides: &Overrides) -> Result<(), Faults> {
    let mut config = (parts.reload)()?;
    overrides.merge(&mut config)?;
    let loaders = Loaders::search(&config);
    let mut list = policy::build(&config, &loaders).err().unwrap_or_default();
    list.extend(addresses::build(&config).err().unwrap_or_default());
    if list.is_empty() { Ok(()) } else { Err(Faults { file: None, list }) }
}

/// An entry as the configuration writes it, signed.
pub(super) fn entry(json: Json, who: &str) -> Result<Table, Problem> {
    let unwritable = |why: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let Json::Object(mut object) = json else {
        return Err(unwritable(
            "an entry is an object with the keys of the configuration".to_owned(),
        ));
    };
    object.retain(|_, value| !value.is_null());
    let mut table = Table::try_from(object)
        .map_err(|error| unwritable(format!("this cannot be written as TOML: {error}")))?;
    table.insert(BY.to_owned(), Value::String(who.to_owned()));
    table.insert(AT.to_owned(), Value::String(rfc3339(unix_ms() / 1000)));
    Ok(table)
}

/// An entry as it is shown: its keys, and where it comes from.
pub(super) struct Shown {
    pub(super) entry: Json,
    pub(super) by: Option<String>,
    pub(super) at: Option<String>,
}

pub(super) fn shown(table: &Table) -> Shown {
    let mut table = table.clone();
    let mut text = |key: &str| match table.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (by, at) = (text(BY), text(AT));
    Shown { entry: serde_json::to_value(&table).unwrap_or_default(), by, at }
}

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    /// The configuration file: edit it there, or lay an entry of the page over it.
    File,
    /// The page, or this API.
    Page,
}

impl Origin {
    pub(super) fn of_host(host: &HostConfig) -> Self {
        if host.is_edited { Self::Page } else { Self::File }
    }

    pub(super) fn of_rule(rule: &RuleConfig) -> Self {
        if rule.is_edited { Self::Page } else { Self::File }
    }
}
