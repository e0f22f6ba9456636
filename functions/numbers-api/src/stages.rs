//! `GET /stages`: how much each stage does, how long it takes, and how far it is behind.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{RawQuery, State},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::numbers::STAGES;
use kit::http::{Problem, Query};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Api, backlog::Backlog, figures};

/// Seconds that are looked back when nothing is said, and at most.
const WINDOW: (u32, u32) = (60, 86_400);

/// Milliseconds that half, 95 and 99 of a hundred messages took at most; absent without any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Times {
    /// Of so many messages, the newest of the window.
    pub(crate) messages: i64,
    /// Median.
    pub(crate) p50_ms: Option<f64>,
    /// 95 of a hundred.
    pub(crate) p95_ms: Option<f64>,
    /// 99 of a hundred.
    pub(crate) p99_ms: Option<f64>,
}

/// What a stage did within the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Throughput {
    /// Messages that it stored.
    pub(crate) messages: i64,
    /// The same in a second.
    pub(crate) per_second: f64,
    /// Messages that it had already.
    pub(crate) duplicates: i64,
    /// Records that it gave up.
    pub(crate) dead_letters: i64,
}

/// One stage.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stage {
    /// From 1.
    stage: u8,
    /// What it does.
    name: &'static str,
    /// The topic that it reads.
    topic: String,
    /// The topic that it writes.
    output_topic: String,
    /// Within the window.
    throughput: Throughput,
    /// From the function's call to the output in the next topic.
    time_in_stage: Times,
    /// Of that, computing.
    time_computing: Times,
    /// What it has not done yet; absent while Kafka does not know the topic.
    backlog: Option<Backlog>,
}

/// All stages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stages {
    /// Seconds looked back.
    window_seconds: u32,
    /// In their order.
    stages: Vec<Stage>,
    /// From a message's submission to its output in `finish`, replays left aside.
    start_to_finish: Times,
    /// Messages that were posted and are in no dead-letter topic, without output of the last stage: all backlogs together.
    backlog_records: i64,
}

/// Throughput, times and backlog of each stage.
#[utoipa::path(get, path = "/stages",
    params(("window_seconds" = Option<u32>, Query, description = "How far to look back; 60 when absent", minimum = 1, maximum = 86_400)),
    responses(
        (status = 200, body = Stages),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter that cannot be used"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka or Postgres does not answer"),
    ))]
pub(crate) async fn stages(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Stages>, Problem> {
    let query = Query::parse(query.as_deref(), &["window_seconds"])?;
    let window_seconds = query.number("window_seconds", WINDOW.0, 1..=WINDOW.1)?;
    let now = Utc::now();
    let since = now - TimeDelta::seconds(i64::from(window_seconds));
    let mut throughput = figures::throughput(&api.pool, since, window_seconds).await.map_err(crate::away)?;
    let mut stages = Vec::with_capacity(STAGES.len());
    for stage in &STAGES {
        stages.push(view(&api, stage, &mut throughput, since, now).await?);
    }
    let start_to_finish = figures::start_to_finish(&api.pool, STAGES.len(), since).await.map_err(crate::away)?;
    let backlog_records = stages.iter().filter_map(|stage| stage.backlog.as_ref()).map(|backlog| backlog.records).sum();
    Ok(Json(Stages { window_seconds, stages, start_to_finish, backlog_records }))
}

async fn view(
    api: &Api,
    stage: &domain::numbers::Stage,
    throughput: &mut BTreeMap<i16, Throughput>,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Stage, Problem> {
    let number = i16::from(stage.number);
    let (time_in_stage, time_computing) = figures::of_stage(&api.pool, number, since).await.map_err(crate::away)?;
    let topic = api.topics.name(&stage.input_topic());
    let backlog = api.backlogs.of(&api.pool, number, &topic, now).await?;
    Ok(Stage {
        stage: stage.number,
        name: stage.name,
        topic,
        output_topic: api.topics.name(&stage.output_topic()),
        throughput: throughput.remove(&number).unwrap_or_default(),
        time_in_stage,
        time_computing,
        backlog,
    })
}
