//! Messages: a list of them by their time, and the way of one through the stages.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use chrono::{DateTime, Utc};
use domain::numbers::STAGES;
use kit::http::{Problem, Query};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Api, away, cursor::Place};

/// Messages of a page when nothing is said, and at most.
const PAGE: (usize, usize) = (50, 200);

/// Inputs that are looked at for one page: one with few of the wanted state is not filled at any price.
const LOOKED_AT: i64 = 2_000;

/// Rows of one message's way: five stages, and replays of them.
const ROWS: i64 = 100;

/// Characters of an input or output that are shown when nothing is said, and at most.
const SHOWN: (i32, i32) = (4_096, 20_000);

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// Between `start` and `finish`, or given up by a stage: its dead letters tell which.
    UnderWay,
    /// The last stage has stored its output.
    Finished,
}

impl Progress {
    fn of(stage: i16) -> Self {
        if usize::try_from(stage).is_ok_and(|stage| stage >= STAGES.len()) { Self::Finished } else { Self::UnderWay }
    }

    fn read(query: &Query) -> Result<Option<Self>, Problem> {
        match query.text("state") {
            None => Ok(None),
            Some("under_way") => Ok(Some(Self::UnderWay)),
            Some("finished") => Ok(Some(Self::Finished)),
            Some(other) => Err(Problem::bad_parameter("state", &format!("is {other:?}"), "under_way, finished")),
        }
    }
}

/// One message in a list.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Summary {
    /// Its id.
    id: Uuid,
    /// When it came into `start`.
    submitted_at: DateTime<Utc>,
    /// Who sent it, when that was said.
    source: Option<String>,
    /// Size of its input.
    input_bytes: i32,
    /// How far it has come.
    #[sqlx(skip)]
    state: Option<Progress>,
    /// The last stage that has stored an output; 0 is none.
    stage: i16,
    /// When that stage had computed it.
    finished_at: Option<DateTime<Utc>>,
    /// How often it was replayed.
    replays: i64,
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    /// The newest first.
    messages: Vec<Summary>,
    /// `after` of the next page; absent at the end. A page may have fewer messages than were asked for, and go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

const LIST: &str = "
    with looked_at as (
        select message_id, submitted_at, source, octet_length(input) as input_bytes from inputs1
        where $1::timestamptz is null or (submitted_at, message_id) < ($1, $2)
        order by submitted_at desc, message_id desc limit $3
    )
    select l.message_id as id, l.submitted_at, l.source, l.input_bytes, coalesce(s.stage, 0::smallint) as stage,
           s.finished_at, (select count(*) from number_attempts a where a.message_id = l.message_id) as replays
    from looked_at l
    left join lateral (
        select n.stage, n.finished_at from number_stages n
        where n.message_id = l.message_id and n.attempt = 0 order by n.stage desc limit 1
    ) s on true
    order by l.submitted_at desc, l.message_id desc";

/// Messages by the time at which they came, the newest first.
#[utoipa::path(get, path = "/messages",
    params(
        ("state" = Option<String>, Query, description = "`under_way` or `finished`; all when absent", pattern = "^(under_way|finished)$"),
        ("limit" = Option<u16>, Query, description = "Messages of a page; 50 when absent", minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses(
        (status = 200, body = Page),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter that cannot be used"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Postgres does not answer"),
    ))]
pub(crate) async fn list(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Page>, Problem> {
    let query = Query::parse(query.as_deref(), &["state", "limit", "after"])?;
    let state = Progress::read(&query)?;
    let limit = query.number("limit", PAGE.0, 1..=PAGE.1)?;
    let after = query.text("after").map(|text| Place::read("after", text)).transpose()?;
    let looked_at = if state.is_some() { LOOKED_AT } else { i64::try_from(limit).unwrap_or(LOOKED_AT) };
    let rows = sqlx::query_as::<_, Summary>(LIST)
        .bind(after.map(|place| place.at))
        .bind(after.map(|place| place.id))
        .bind(looked_at);
    let rows = rows.fetch_all(&api.pool).await.map_err(away)?;
    Ok(Json(page(rows, state, limit, usize::try_from(looked_at).unwrap_or(usize::MAX))))
}

/// Of the rows that were looked at those that are wanted, and where to go on.
fn page(rows: Vec<Summary>, state: Option<Progress>, limit: usize, looked_at: usize) -> Page {
    let more = rows.len() >= looked_at;
    let (mut messages, mut last, mut all) = (Vec::new(), None, true);
    for mut row in rows {
        if messages.len() == limit {
            all = false;
            break;
        }
        last = Some(Place { at: row.submitted_at, id: row.id });
        let progress = Progress::of(row.stage);
        if state.is_none_or(|wanted| wanted == progress) {
            row.state = Some(progress);
            messages.push(row);
        }
    }
    Page { messages, next: last.filter(|_| more || !all).map(Place::text) }
}

/// What a stage did with a message.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Step {
    /// The stage, from 1.
    stage: i16,
    /// 0; of a replay its number.
    attempt: i32,
    /// Where the stage read it: topic, partition and offset.
    topic: String,
    /// See `topic`.
    partition: i32,
    /// See `topic`.
    offset: i64,
    /// What came in: JSON as text, cut after `characters`.
    input: String,
    /// Its whole size.
    input_bytes: i32,
    /// What went out, cut as well.
    output: String,
    /// Its whole size.
    output_bytes: i32,
    /// When the function got it.
    received_at: DateTime<Utc>,
    /// When computing began.
    started_at: DateTime<Utc>,
    /// When computing ended.
    finished_at: DateTime<Utc>,
    /// When its row was stored.
    stored_at: DateTime<Utc>,
    /// When the next topic had its output; absent while nobody knows.
    published_at: Option<DateTime<Utc>>,
    /// From `received_at` to `published_at`, in milliseconds.
    stage_ms: Option<f64>,
    /// From the message's submission to `published_at`, in milliseconds.
    since_submitted_ms: Option<f64>,
}

/// One message and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lineage {
    /// Its id.
    id: Uuid,
    /// When it came into `start`.
    submitted_at: DateTime<Utc>,
    /// Who sent it, when that was said.
    source: Option<String>,
    /// Its place in `start`.
    partition: i32,
    /// Its place in `start`.
    offset: i64,
    /// How far it has come, replays left aside.
    state: Progress,
    /// From its submission to `finish`, in milliseconds.
    total_ms: Option<f64>,
    /// What each stage did: the first way, then replays.
    steps: Vec<Step>,
    /// Replays that were asked for.
    replays: Vec<Attempt>,
}

/// A replay of a message.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Attempt {
    /// Its number.
    attempt: i32,
    /// Id of the request.
    replay: Uuid,
    /// The first stage that it passes.
    from_stage: i16,
    /// When it was asked for.
    requested_at: DateTime<Utc>,
    /// When Kafka had it.
    sent_at: Option<DateTime<Utc>>,
}

#[derive(FromRow)]
struct Input {
    submitted_at: DateTime<Utc>,
    source: Option<String>,
    partition: i32,
    offset: i64,
}

const STEPS: &str = "
    select n.stage, n.attempt, b.topic, b.partition, n.\"offset\", left(n.input, $2) as input,
           octet_length(n.input) as input_bytes, left(n.output, $2) as output, octet_length(n.output) as output_bytes,
           n.received_at, n.started_at, n.finished_at, b.stored_at, b.published_at,
           (extract(epoch from b.published_at - n.received_at) * 1000)::float8 as stage_ms,
           (extract(epoch from b.published_at - n.submitted_at) * 1000)::float8 as since_submitted_ms
    from number_stages n join number_batches b on b.id = n.batch
    where n.message_id = $1 order by n.attempt, n.stage limit $3";

const REPLAYS: &str = "
    select a.attempt, a.replay, r.from_stage, r.requested_at, r.sent_at
    from number_attempts a join number_replays r on r.id = a.replay
    where a.message_id = $1 order by a.attempt desc limit $2";

/// One message: what each stage got, made and when.
#[utoipa::path(get, path = "/messages/{id}",
    params(
        ("id" = Uuid, Path, description = "The message's id"),
        ("characters" = Option<u16>, Query, description = "Of an input or output so many are shown; 4096 when absent", minimum = 1, maximum = 20_000),
    ),
    responses(
        (status = 200, body = Lineage),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "The id is no UUID, or a parameter cannot be used"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "The first stage has stored no message of this id"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Postgres does not answer"),
    ))]
pub(crate) async fn one(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<Lineage>, Problem> {
    let id = message_id(id)?;
    let shown = Query::parse(query.as_deref(), &["characters"])?.number("characters", SHOWN.0, 1..=SHOWN.1)?;
    let input = sqlx::query_as::<_, Input>(
        "select submitted_at, source, partition, \"offset\" from inputs1 where message_id = $1",
    );
    let input = input.bind(id).fetch_optional(&api.pool).await.map_err(away)?;
    let input = input.ok_or_else(|| unknown(id))?;
    let steps = sqlx::query_as::<_, Step>(STEPS).bind(id).bind(shown).bind(ROWS);
    let steps: Vec<Step> = steps.fetch_all(&api.pool).await.map_err(away)?;
    let replays = sqlx::query_as::<_, Attempt>(REPLAYS).bind(id).bind(ROWS);
    let replays = replays.fetch_all(&api.pool).await.map_err(away)?;
    let last = steps.iter().filter(|step| step.attempt == 0).max_by_key(|step| step.stage);
    let state = Progress::of(last.map_or(0, |step| step.stage));
    let total_ms = last.filter(|_| state == Progress::Finished).and_then(|step| step.since_submitted_ms);
    let Input { submitted_at, source, partition, offset } = input;
    Ok(Json(Lineage { id, submitted_at, source, partition, offset, state, total_ms, steps, replays }))
}

pub(crate) fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("no message {id}: the first stage has stored none of this id"))
}

/// The id in a path.
pub(crate) fn message_id(path: Result<Path<String>, PathRejection>) -> Result<Uuid, Problem> {
    let text = path.map(|Path(text)| text).unwrap_or_default();
    Uuid::try_parse(&text).map_err(|_| Problem::bad_parameter("id", "is no UUID", "the id of a message"))
}
