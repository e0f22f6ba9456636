//! `GET /stats`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::Utc;
use kit::http::Problem;
use lake::{ColumnCounts, Counts, Tally, github};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{Answer, Key, Question};
use crate::event::rfc3339;
use crate::explain::Explain;
use crate::parameters::StatsParameters;
use crate::{Api, away, measured};

/// Repositories and actors that are named.
const TOP: usize = 10;
/// Types that are named; GitHub has about twenty.
const TYPES: usize = 100;
/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// What `GET /stats` takes. Read by [`StatsParameters::parse`]; this is its description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the documentation is made of it")]
pub(crate) struct StatsQuery {
    /// Hours before now, 24 unless it is given. The time begins at a full minute.
    #[param(minimum = 1, maximum = 8_784, nullable = false)]
    hours_back: Option<u32>,
    /// Whether to tell what the query read and what it could skip.
    #[param(nullable = false)]
    explain: Option<bool>,
}

/// The answer of `GET /stats`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    hours_back: u32,
    /// Begin of the time that is counted.
    since: Option<String>,
    totals: Totals,
    /// All types, the most frequent first.
    by_type: Vec<TypeCount>,
    /// The ten with the most events.
    top_repositories: Vec<RepositoryCount>,
    /// The ten with the most events.
    top_actors: Vec<ActorCount>,
    /// Each hour of the time, oldest first.
    by_hour: Vec<HourCount>,
    /// False when the count ended at its budget of bytes: older events are missing. What was read is known to the next
    /// request.
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    explain: Option<Explain>,
}

#[derive(Serialize, ToSchema)]
struct Totals {
    events: u64,
    types: u64,
    repositories: u64,
    actors: u64,
}

#[derive(Serialize, ToSchema)]
struct TypeCount {
    #[serde(rename = "type")]
    kind: String,
    events: u64,
}

#[derive(Serialize, ToSchema)]
struct RepositoryCount {
    repo: String,
    events: u64,
}

#[derive(Serialize, ToSchema)]
struct ActorCount {
    actor: String,
    events: u64,
}

#[derive(Serialize, ToSchema)]
struct HourCount {
    /// Its begin.
    hour: Option<String>,
    events: u64,
}

/// Counts of the events of the last hours.
#[utoipa::path(get, path = "/stats", params(StatsQuery), responses(
    (status = 200, body = Stats, headers(("ETag"), ("X-Cache", description = "hit, miss or bypass"))),
    (status = 304, description = "the answer is the one that If-None-Match names"),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn stats(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let began = Utc::now();
    let parameters = StatsParameters::parse(query.as_deref())?;
    let (since, hours_back) = (parameters.since(began), parameters.hours_back);
    let view = api.reader.view().await.map_err(|error| away(&error))?;
    let key = Key { view: view.name(), question: Question::Stats { since, hours_back } };
    if !parameters.explain
        && let Some(answer) = api.answers.get(&key, since)
    {
        measured("stats", began, true, None);
        return Ok(answer.respond(&headers, "hit"));
    }
    let columns = vec![(github::TYPE, TYPES), (github::REPO_NAME, TOP), (github::ACTOR_LOGIN, TOP)];
    let tally = Tally { since, until: i64::MAX, columns, budget: api.limits.budget() };
    let counts = api.reader.tally(&view, &tally).await.map_err(|error| away(&error))?;
    measured("stats", began, false, Some(&counts.figures));
    let (complete, figures) = (counts.complete, counts.figures);
    let explain = parameters.explain.then(|| figures.into());
    let stats = Stats::new(counts, hours_back, since, began.timestamp_micros(), explain);
    let answer = Answer::new(&stats, &(&key, complete), since)?;
    if parameters.explain {
        return Ok(answer.respond(&headers, "bypass"));
    }
    let response = answer.respond(&headers, "miss");
    if complete {
        api.answers.insert(key, answer);
    }
    Ok(response)
}

impl Stats {
    fn new(counts: Counts, hours_back: u32, since: i64, now: i64, explain: Option<Explain>) -> Self {
        let mut columns = counts.columns.into_iter();
        let mut next = || columns.next().unwrap_or(ColumnCounts { distinct: 0, top: Vec::new() });
        let (types, repositories, actors) = (next(), next(), next());
        Self {
            hours_back,
            since: rfc3339(since),
            totals: Totals {
                events: counts.rows,
                types: types.distinct,
                repositories: repositories.distinct,
                actors: actors.distinct,
            },
            by_type: types.top.into_iter().map(|(kind, events)| TypeCount { kind, events }).collect(),
            top_repositories: repositories
                .top
                .into_iter()
                .map(|(repo, events)| RepositoryCount { repo, events })
                .collect(),
            top_actors: actors.top.into_iter().map(|(actor, events)| ActorCount { actor, events }).collect(),
            by_hour: series(&counts.hours, since, now),
            complete: counts.complete,
            explain,
        }
    }
}

/// Each hour from `since` to `now`, those without events too; and hours after it that have some, by a clock that is ahead.
fn series(hours: &BTreeMap<i64, u64>, since: i64, now: i64) -> Vec<HourCount> {
    let (mut hour, mut all) = (since.div_euclid(HOUR) * HOUR, hours.clone());
    while hour <= now {
        all.entry(hour).or_insert(0);
        hour += HOUR;
    }
    all.into_iter().map(|(hour, events)| HourCount { hour: rfc3339(hour), events }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_each_hour() {
        let hours = BTreeMap::from([(HOUR, 5), (5 * HOUR, 1)]);
        let series = series(&hours, HOUR + 60, 3 * HOUR + 60);
        let found: Vec<(Option<&str>, u64)> = series.iter().map(|hour| (hour.hour.as_deref(), hour.events)).collect();
        assert_eq!(
            found,
            [
                (Some("1970-01-01T01:00:00Z"), 5),
                (Some("1970-01-01T02:00:00Z"), 0),
                (Some("1970-01-01T03:00:00Z"), 0),
                (Some("1970-01-01T05:00:00Z"), 1),
            ]
        );
    }
}
