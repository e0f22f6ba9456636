//! The instance's own issuer of tokens: discovery document and key set.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use axum::{Json, Router, extract::State, routing::get};
use serde_json::Value;

use super::{Stack, error::ApiError};
use crate::issuer::{Issuer, PATH, VARIABLE};

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new()
        .route(&format!("{PATH}/.well-known/openid-configuration"), get(discovery))
        .route(&format!("{PATH}/jwks.json"), get(keys))
}

async fn discovery(State(stack): State<Arc<Stack>>) -> Json<Value> {
    Json(Issuer::discovery(stack.variables.get(VARIABLE).map_or("", String::as_str)))
}

async fn keys(State(stack): State<Arc<Stack>>) -> Result<Json<Value>, ApiError> {
    let dir = stack.variables.get("MILLRACE_DIR").cloned().unwrap_or_default();
    // The first call makes the key, which takes a moment of computing.
    let keys = tokio::task::spawn_blocking(move || Issuer::open(Path::new(&dir)).map(|issuer| issuer.keys())).await;
    let keys = keys.context("read the issuer's key").and_then(|keys| keys);
    keys.map(Json).map_err(|error| ApiError::internal(&error))
}
