//! MSK's GetBootstrapBrokers: whatever cluster is asked for, there is one broker here.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

use super::{Stack, error::ApiError};

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new().route("/v1/clusters/{arn}/bootstrap-brokers", get(brokers))
}

async fn brokers(State(stack): State<Arc<Stack>>) -> Result<Json<Value>, ApiError> {
    let brokers = stack.variables.get("KAFKA_BOOTSTRAP_SERVERS");
    let brokers = brokers.ok_or_else(|| ApiError::not_found("no Kafka broker runs here"))?;
    Ok(Json(json!({"bootstrapBrokerString": brokers})))
}
