//! Rules for kinds of machines.

use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::edit::{self, Origin};
use super::seen::{Seen, Tagged, version};
use crate::admin::Site;
use crate::admin::access::Who;
use crate::admin::problem::{Asked, Problem, Refused, Unfit};
use crate::config::{Config, RuleConfig};

/// A rule; the first that fits decides.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rule {
    /// Its number, as reasons of decisions have it.
    number: usize,
    /// The keys of `[[rule]]` in the configuration.
    entry: Value,
    origin: Origin,
    /// Who wrote it, if it comes from the page.
    edited_by: Option<String>,
    /// When, as RFC 3339 has it.
    edited_at: Option<String>,
}

impl Rule {
    fn of((index, rule): (usize, &RuleConfig)) -> Self {
        let shown = edit::shown(&rule.written);
        Self {
            number: index + 1,
            entry: shown.entry,
            origin: Origin::of_rule(rule),
            edited_by: shown.by,
            edited_at: shown.at,
        }
    }
}

/// The version of those that the page may replace.
fn state(config: &Config) -> String {
    version(config.rules.iter().filter(|rule| rule.is_edited).map(|rule| &rule.written))
}

fn all(site: &Site) -> Tagged<Vec<Rule>> {
    let config = site.parts.in_use.config();
    Tagged(state(&config), config.rules.iter().enumerate().map(Rule::of).collect())
}

/// Every rule, in the order in which they are tried
#[utoipa::path(
    get, operation_id = "list_rules", path = "/api/v1/rules", tag = "rules",
    responses(
        (status = 200, body = Vec<Rule>, headers(("ETag" = String, description = "The version of those of the page"))),
        Refused
    )
)]
pub(super) async fn list(State(site): State<Site>) -> Tagged<Vec<Rule>> {
    all(&site)
}

/// Replaces the rules of the page, which are tried before those of the configuration file
///
/// Each has the keys of `[[rule]]` in the configuration. All rules are answered.
#[utoipa::path(
    put, operation_id = "put_rules", path = "/api/v1/rules", tag = "rules",
    params(("If-Match" = Option<String>, Header, description = "Only if the version is still this one")),
    request_body(content = Vec<Value>, example = json!([{ "when": { "arch": ["bios"] }, "file": "undionly.kpxe" }])),
    responses(
        (status = 200, body = Vec<Rule>, headers(("ETag" = String, description = "The new version"))),
        (status = 412, description = "Somebody else was faster", body = Problem, content_type = "application/problem+json"),
        Refused, Unfit
    )
)]
pub(super) async fn put(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    seen: Seen,
    Asked(body): Asked<Vec<Value>>,
) -> Result<Tagged<Vec<Rule>>, Problem> {
    let entries = body.into_iter().map(|rule| edit::entry(rule, &who.name));
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    let what = format!("set {} rules", entries.len());
    edit::change(&site, who.name, what, move |overrides, config| {
        // Who was faster is not told: a rule may have been removed.
        seen.check(Some(&state(config)), None)?;
        for entry in &mut entries {
            // One that stays as it was keeps its signature.
            let unsigned = |table: &toml::Table| edit::shown(table).entry;
            let same = overrides.rules.iter().find(|known| unsigned(known) == unsigned(entry));
            if let Some(same) = same {
                entry.clone_from(same);
            }
        }
        overrides.rules = entries;
        Ok(())
    })
    .await?;
    Ok(all(&site))
}
