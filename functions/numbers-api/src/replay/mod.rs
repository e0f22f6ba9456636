//! Messages once more, from any stage on: one, or many; or only what would change.

mod compare;
mod diff;
mod find;
mod selection;
mod store;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use compare::StageDifference;
use domain::numbers::Stage;
use find::Chosen;
use futures::TryStreamExt;
use kit::{
    http::{Body, Problem, Query},
    metrics::Metrics,
};
use selection::{Limits, RangeRequest, Selection};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api, away, idempotency,
    messages::{message_id, unknown},
};

/// What is sent with one wait for its acknowledgements.
const CHUNK: (usize, usize) = (1_000, 8 << 20);

/// Messages that a dry run looks at, and how long it does.
const COMPARED: u32 = 200;
const LIMIT: Duration = Duration::from_secs(15);

/// Messages with differences that a dry run names.
const NAMED: usize = 20;

/// A replay that is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Replayed {
    /// Its id.
    replay: Uuid,
    /// The first stage that messages pass again.
    from_stage: i16,
    /// How many they are.
    messages: i32,
    /// When it was asked for, the first time.
    requested_at: DateTime<Utc>,
    /// When Kafka had all of them.
    sent_at: DateTime<Utc>,
    /// `after` of the next request; absent when nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What a replay would change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Comparison {
    /// Messages whose outputs were computed again.
    compared: usize,
    /// Those of which a stage's output would differ.
    different: usize,
    /// Messages that the stage before `from` has not stored, which cannot be replayed from there.
    without_input: usize,
    /// The first of those that differ, 20 at most.
    differences: Vec<MessageDifference>,
    /// `after` of the next request; absent when nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A message of which a stage's output would differ.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageDifference {
    /// Its id.
    id: Uuid,
    /// The stages.
    stages: Vec<StageDifference>,
}

/// One message once more, from a stage on, as the stage before it left it. It is another attempt, counted apart.
#[utoipa::path(post, path = "/messages/{id}/replay",
    params(
        ("id" = Uuid, Path, description = "The message's id"),
        ("from" = String, Query, description = "The first stage that it passes again", pattern = "^stage[1-5]$"),
        ("dry_run" = Option<bool>, Query, description = "Send nothing, and say what would change"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key is the same replay", pattern = "^[!-~]{1,255}$"),
    ),
    responses(
        (status = 200, body = Comparison, description = "What would change"),
        (status = 202, body = Replayed, description = "Kafka has it"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter that cannot be used"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such message"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The stage before it has stored no output yet, or the key was of another request"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka or Postgres does not answer; send it again with its key"),
    ))]
pub(crate) async fn one(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = message_id(id)?;
    let query = Query::parse(query.as_deref(), &["from", "dry_run"])?;
    let stage = crate::stage("from", query.text("from").unwrap_or_default())?;
    let dry_run = match query.text("dry_run") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(Problem::bad_parameter("dry_run", &format!("is {other:?}"), "true, false")),
    };
    let key = idempotency::key(&headers)?;
    let limits = Limits { stage, limit: 2 };
    let chosen = api.find(limits, &Selection::Message(id)).await?;
    if chosen.without_input > 0 {
        let before = stage.number - 1;
        return Err(Problem::conflict(format!("stage{before} has stored no output of message {id} yet")));
    }
    if chosen.ids.is_empty() {
        return Err(unknown(id));
    }
    if dry_run {
        return Ok(Json(api.compare(stage, chosen).await?).into_response());
    }
    let request = format!("{{\"message\":\"{id}\",\"from\":\"stage{}\"}}", stage.number);
    Ok((StatusCode::ACCEPTED, Json(api.replay(key, &request, stage, chosen).await?)).into_response())
}

/// Many messages once more, the oldest first: by offsets of the stage's topic, by time, by key.
#[utoipa::path(post, path = "/replay", request_body = RangeRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key is the same replay", pattern = "^[!-~]{1,255}$")),
    responses(
        (status = 200, body = Comparison, description = "What would change"),
        (status = 202, body = Replayed, description = "Kafka has them"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A field that cannot be used"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The key was of another request"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "A body of more than 1 MB"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "A body that is not JSON"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Kafka or Postgres does not answer; send it again with its key"),
    ))]
pub(crate) async fn many(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Body(request): Body<RangeRequest>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let key = idempotency::key(&headers)?;
    let (limits, selection) = request.check()?;
    if request.dry_run {
        let limits = Limits { limit: limits.limit.min(COMPARED), ..limits };
        let chosen = api.find(limits, &selection).await?;
        return Ok(Json(api.compare(limits.stage, chosen).await?).into_response());
    }
    let text = serde_json::to_string(&request).map_err(anyhow::Error::from)?;
    let chosen = api.find(limits, &selection).await?;
    Ok((StatusCode::ACCEPTED, Json(api.replay(key, &text, limits.stage, chosen).await?)).into_response())
}

impl Api {
    async fn find(&self, limits: Limits, selection: &Selection) -> Result<Chosen, Problem> {
        let topic = self.topics.name(&limits.stage.input_topic());
        find::find(&self.pool, &topic, limits, selection).await.map_err(away)
    }

    /// Stores the replay, or takes the one of this key, and sends its attempts.
    async fn replay(
        &self,
        key: Option<&str>,
        request: &str,
        stage: &Stage,
        chosen: Chosen,
    ) -> Result<Replayed, Problem> {
        let id = idempotency::replay_id(key);
        store::store(&self.pool, id, request, stage, &chosen).await.map_err(away)?;
        let stored = store::load(&self.pool, id).await.map_err(away)?;
        let stored = stored.ok_or_else(|| anyhow::anyhow!("replay {id} was stored and is not there"))?;
        if stored.request != request {
            return Err(Problem::conflict("the Idempotency-Key was that of another replay"));
        }
        let sent_at = match stored.sent_at {
            Some(sent_at) => sent_at,
            None => {
                let attempts = store::attempts(&self.pool, id).await.map_err(away)?;
                self.send(stage, &attempts).await?;
                Metrics::new("Numbers", Utc::now()).count("replayed_messages", attempts.len() as u64).emit();
                store::sent(&self.pool, id).await.map_err(away)?
            }
        };
        let store::Replay { id: replay, from_stage, messages, next, requested_at, .. } = stored;
        Ok(Replayed { replay, from_stage, messages, requested_at, sent_at, next })
    }

    async fn send(&self, stage: &Stage, attempts: &[(Uuid, i32)]) -> Result<(), Problem> {
        let refused = |error: anyhow::Error| Problem::away("Kafka does not take messages now", &error);
        let topic = self.topics.name(&stage.input_topic());
        let mut inputs = find::inputs(&self.pool, stage, attempts);
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while let Some(input) = inputs.try_next().await.map_err(away)? {
            bytes += input.input.len();
            messages.push(input.message(&topic));
            if messages.len() >= CHUNK.0 || bytes >= CHUNK.1 {
                self.producer.send_all(std::mem::take(&mut messages)).await.map_err(refused)?;
                bytes = 0;
            }
        }
        self.producer.send_all(messages).await.map_err(refused)
    }

    async fn compare(&self, stage: &'static Stage, chosen: Chosen) -> Result<Comparison, Problem> {
        let Chosen { ids, places, without_input, next } = chosen;
        let began = Instant::now();
        let mut comparison =
            Comparison { compared: 0, different: 0, without_input, differences: Vec::new(), next: None };
        for (id, place) in ids.into_iter().zip(places) {
            if began.elapsed() > LIMIT {
                return Ok(comparison);
            }
            let mut inputs = find::inputs(&self.pool, stage, &[(id, 0)]);
            let Some(input) = inputs.try_next().await.map_err(away)? else { continue };
            drop(inputs);
            let stored = self.stored(id, stage).await?;
            let from = stage.number;
            // A stage may compute for a while.
            let found = tokio::task::spawn_blocking(move || compare::compare(from, input.input, &stored)).await;
            let stages = found.map_err(anyhow::Error::from)?;
            comparison.compared += 1;
            comparison.next = place;
            if !stages.is_empty() {
                comparison.different += 1;
                if comparison.differences.len() < NAMED {
                    comparison.differences.push(MessageDifference { id, stages });
                }
            }
        }
        Ok(Comparison { next, ..comparison })
    }

    /// The newest output of each stage.
    async fn stored(&self, id: Uuid, from: &Stage) -> Result<BTreeMap<i16, String>, Problem> {
        let query = "select distinct on (stage) stage, output from number_stages
                     where message_id = $1 and stage >= $2 order by stage, attempt desc";
        let rows = sqlx::query_as::<_, (i16, String)>(query).bind(id).bind(i16::from(from.number));
        Ok(rows.fetch_all(&self.pool).await.map_err(away)?.into_iter().collect())
    }
}
