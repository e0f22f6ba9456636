//! What the stages gave up: `GET /dead-letters`, and back to the stages with `POST /dead-letters/redrive`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{RawQuery, State},
};
use chrono::{DateTime, Utc};
use domain::numbers::{STAGES, Stage};
use kafka::redrive::{self, Options, Waiting};
use kit::http::{Body, Problem, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;

/// Letters of a stage that are shown when nothing is said, and at most.
const SHOWN: (usize, usize) = (20, 200);

/// Letters that a redrive sends when nothing is said, and at most.
const SENT: (u64, u64) = (1_000, 10_000);

/// A redrive that takes longer has sent what it has sent; the next one goes on there.
const LIMIT: Duration = Duration::from_secs(25);

/// Characters of a value that are shown.
const VALUE: usize = 200;

/// A record that a stage gave up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Letter {
    /// Its partition in the dead-letter topic.
    partition: i32,
    /// Its offset there.
    offset: i64,
    /// When it was given up.
    at: Option<DateTime<Utc>>,
    /// The rule that it breaks.
    rule: String,
    /// What was found, and what was expected.
    reason: String,
    /// Where it was: `topic/partition/offset`.
    origin: String,
    /// The message's id, when the record says it.
    message_id: Option<String>,
    /// The beginning of its value.
    value: String,
    /// The value's size.
    value_bytes: usize,
}

/// The dead letters of one stage.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfStage {
    /// The stage.
    stage: u8,
    /// Its dead-letter topic.
    topic: String,
    /// Letters in the topic.
    letters: i64,
    /// Those that no redrive has sent; of redrives of single rules alone nothing is known here.
    waiting: i64,
    /// The oldest that wait.
    oldest: Vec<Letter>,
}

/// The dead letters of all stages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetters {
    /// In the stages' order; without those whose topic is not there.
    stages: Vec<OfStage>,
}

/// Records that the stages gave up and nobody has sent again.
#[utoipa::path(get, path = "/dead-letters",
    params(
        ("stage" = Option<String>, Query, description = "Of this stage only", pattern = "^stage[1-5]$"),
        ("limit" = Option<u16>, Query, description = "Letters of a stage; 20 when absent", minimum = 1, maximum = 200),
    ),
    responses(
        (status = 200, body = DeadLetters),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter that cannot be used"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka does not answer"),
    ))]
pub(crate) async fn list(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<DeadLetters>, Problem> {
    let query = Query::parse(query.as_deref(), &["stage", "limit"])?;
    let limit = query.number("limit", SHOWN.0, 1..=SHOWN.1)?;
    let chosen = query.text("stage").map(|text| crate::stage("stage", text)).transpose()?;
    let mut stages = Vec::new();
    for stage in STAGES.iter().filter(|stage| chosen.is_none_or(|chosen| chosen.number == stage.number)) {
        let topic = dead_letter_topic(&api, stage);
        let waiting = tokio::time::timeout(LIMIT, redrive::waiting(&api.kafka, &topic, limit)).await;
        let waiting = waiting.map_err(anyhow::Error::from).flatten();
        let waiting = waiting.map_err(|error| Problem::away("Kafka cannot be asked for dead letters", &error))?;
        stages.extend(waiting.map(|waiting| of_stage(stage.number, topic, waiting)));
    }
    Ok(Json(DeadLetters { stages }))
}

fn of_stage(stage: u8, topic: String, waiting: Waiting) -> OfStage {
    let Waiting { letters, waiting, oldest } = waiting;
    OfStage { stage, topic, letters, waiting, oldest: oldest.iter().map(letter).collect() }
}

fn letter(stored: &redrive::Stored) -> Letter {
    let header = |name: &str| {
        let found = stored.headers.iter().rfind(|(found, _)| found == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    let place = |name| header(name).unwrap_or_else(|| "?".to_owned());
    let origin = format!("{}/{}/{}", place("origin.topic"), place("origin.partition"), place("origin.offset"));
    let value = stored.value.as_deref().unwrap_or_default();
    Letter {
        partition: stored.partition,
        offset: stored.offset,
        at: DateTime::from_timestamp_millis(stored.timestamp_ms),
        rule: place("error.rule"),
        reason: place("error.reason"),
        origin,
        message_id: header("message-id"),
        value: String::from_utf8_lossy(value.get(..VALUE.min(value.len())).unwrap_or_default()).into_owned(),
        value_bytes: value.len(),
    }
}

/// Which letters are sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedriveRequest {
    /// `stage1` to `stage5`.
    #[schema(pattern = "^stage[1-5]$", example = "stage1")]
    stage: String,
    /// Only letters of this rule.
    #[schema(min_length = 1, max_length = 100)]
    rule: Option<String>,
    /// Most letters that are sent; 1000 when absent.
    #[schema(minimum = 1, maximum = 10_000)]
    limit: Option<u64>,
    /// Send nothing, and say what would be sent.
    #[serde(default)]
    dry_run: bool,
}

/// What was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Redriven {
    /// Whether it only would have been.
    dry_run: bool,
    /// Letters that were sent, by the rule that they broke.
    sent: Vec<Sent>,
    /// Letters of other rules, which stay.
    others: u64,
    /// Records that cannot be sent: no letters.
    unreadable: u64,
}

/// Letters of one rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sent {
    /// The rule.
    rule: String,
    /// Where they went.
    topic: String,
    /// How many.
    letters: u64,
}

/// Sends letters to the stage's topic again, the oldest first, each once: the next redrive goes on behind them.
#[utoipa::path(post, path = "/dead-letters/redrive", request_body = RedriveRequest, responses(
    (status = 200, body = Redriven),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "A field that cannot be used"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "The stage has no dead-letter topic"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Another request sends letters of this stage"),
    (status = 413, body = Problem, content_type = "application/problem+json", description = "A body of more than 1 MB"),
    (status = 415, body = Problem, content_type = "application/problem+json", description = "A body that is not JSON"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka or Postgres does not answer, or not in time; what was sent stays sent"),
))]
pub(crate) async fn redrive(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Body(request): Body<RedriveRequest>,
) -> Result<Json<Redriven>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let options = options(&api, &request)?;
    let away = |error: anyhow::Error| Problem::away("Kafka cannot be asked for dead letters, or takes none", &error);
    let topics = kafka::admin::topics(&api.kafka).await.map_err(away)?;
    if !topics.contains_key(&options.topic) {
        return Err(Problem::not_found(format!("there is no topic {}", options.topic)));
    }
    // Whoever sends at the same time would send the same.
    let mut transaction = api.pool.begin().await.map_err(crate::away)?;
    let alone = sqlx::query_scalar("select pg_try_advisory_xact_lock(hashtext('redrive ' || $1))").bind(&options.topic);
    if !alone.fetch_one(&mut *transaction).await.map_err(crate::away)? {
        return Err(Problem::conflict(format!("another request sends the letters of {} just now", options.topic)));
    }
    let run = redrive::run(&api.kafka, &options, Utc::now(), |_, _| ());
    let summary = tokio::time::timeout(LIMIT, run).await.map_err(anyhow::Error::from).flatten().map_err(away)?;
    let sent = summary.sent.into_iter().map(|((rule, topic), letters)| Sent { rule, topic, letters });
    let (others, unreadable) = (summary.others, summary.unreadable);
    Ok(Json(Redriven { dry_run: options.dry_run, sent: sent.collect(), others, unreadable }))
}

fn options(api: &Api, request: &RedriveRequest) -> Result<Options, Problem> {
    let stage = crate::stage("stage", &request.stage)?;
    let limit = request.limit.unwrap_or(SENT.0);
    if !(1..=SENT.1).contains(&limit) {
        return Err(Problem::bad_parameter("limit", &format!("is {limit}"), &format!("1 to {}", SENT.1)));
    }
    let rule = request.rule.clone();
    // It becomes a part of a consumer group's name.
    let usable = |rule: &String| (1..=100).contains(&rule.len()) && rule.bytes().all(|byte| byte.is_ascii_graphic());
    if rule.as_ref().is_some_and(|rule| !usable(rule)) {
        return Err(Problem::bad_parameter("rule", "cannot be used", "1 to 100 visible ASCII characters"));
    }
    let topic = dead_letter_topic(api, stage);
    Ok(Options { topic, rule, limit: Some(limit), dry_run: request.dry_run, ..Options::default() })
}

fn dead_letter_topic(api: &Api, stage: &Stage) -> String {
    format!("{}.dlq", api.topics.name(&stage.input_topic()))
}
