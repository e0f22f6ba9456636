//! A mapping's records once more, as its batches: what `millrace replay --from-offset` sends. A call of our own.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::{Stack, error::ApiError};
use crate::{kafka_source, mapping::Mapping};

/// What is wanted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct AgainRequest {
    /// Only mappings that read this topic.
    pub topic: Option<String>,
    /// Where to begin, by partition.
    pub offsets: Option<BTreeMap<i32, i64>>,
    /// Where to begin, milliseconds since the epoch.
    pub time_ms: Option<i64>,
    /// The last offset.
    pub to: Option<i64>,
}

/// One line of the answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct AgainLine {
    /// Logical id of the mapping.
    pub mapping: String,
    /// Name of its function.
    pub function: String,
    /// First and last offset, by `<topic>-<partition>`.
    pub partitions: BTreeMap<String, (i64, i64)>,
    /// Number of records.
    pub records: usize,
    /// The event; none when there is an error.
    pub event: Option<Box<RawValue>>,
    /// What went wrong.
    pub error: Option<String>,
}

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new().route("/_millrace/again/{name}", post(again))
}

/// Answers with a line of JSON a batch, of all Kafka mappings of the function, or of the one mapping, with this name.
async fn again(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
    Json(wanted): Json<AgainRequest>,
) -> Result<Response, ApiError> {
    let from = match (wanted.offsets, wanted.time_ms) {
        (Some(offsets), None) => kafka_source::From::Offsets(offsets),
        (None, Some(ms)) => kafka_source::From::Time(ms),
        _ => return Err(ApiError::invalid("offsets or time_ms is needed, and not both")),
    };
    let function = stack.host.find(&name).map(|function| function.spec().logical_id.clone());
    let chosen = |mapping: &Arc<Mapping>| {
        let Mapping::Kafka(kafka) = &**mapping else { return false };
        let named = mapping.logical_id() == name || Some(mapping.function()) == function.as_deref();
        named && wanted.topic.as_ref().is_none_or(|topic| *topic == kafka.spec().topic)
    };
    let mappings: Vec<_> = stack.mappings.iter().filter(|mapping| chosen(mapping)).cloned().collect();
    if mappings.is_empty() {
        let of = wanted.topic.map(|topic| format!(" that reads {topic}")).unwrap_or_default();
        return Err(ApiError::not_found(format!("{name} has no Kafka trigger{of}")));
    }
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for mapping in mappings {
            let Mapping::Kafka(kafka) = &*mapping else { continue };
            let function = stack.host.find(mapping.function()).map(|function| function.spec().name.clone());
            let function = function.unwrap_or_default();
            let mut batches = kafka.read_again(from.clone(), wanted.to);
            while let Some(batch) = batches.recv().await {
                if sender.send(line(mapping.logical_id(), &function, batch)).await.is_err() {
                    return;
                }
            }
        }
    });
    let lines = futures::stream::unfold(receiver, |mut receiver| async {
        let line = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), receiver))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

fn line(mapping: &str, function: &str, batch: anyhow::Result<kafka_source::Again>) -> Vec<u8> {
    let (mapping, function) = (mapping.to_owned(), function.to_owned());
    let parsed = batch.and_then(|batch| {
        let event = RawValue::from_string(String::from_utf8(batch.event.to_vec())?)?;
        Ok((batch.partitions, batch.records, event))
    });
    let line = match parsed {
        Ok((partitions, records, event)) => {
            AgainLine { mapping, function, partitions, records, event: Some(event), error: None }
        }
        Err(error) => {
            let error = Some(format!("{error:#}"));
            AgainLine { mapping, function, partitions: BTreeMap::new(), records: 0, event: None, error }
        }
    };
    let mut line = serde_json::to_vec(&line).unwrap_or_default();
    line.push(b'\n');
    line
}
