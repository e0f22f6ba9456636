//! A mapping as Lambda keeps it, whose changes take as long as the test says. The runner's own answers are tested in
//! `tests/it/e2e/`.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, SdkConfig};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use serde_json::{Value, json};

/// The one mapping, and what becomes of calls.
#[derive(Clone, Default)]
pub(crate) struct Lambda(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    mapping: Value,
    updates: Vec<Value>,
    /// Updates that are refused before one is taken.
    busy: usize,
    is_away: bool,
}

impl Lambda {
    /// Serves a mapping of this topic.
    pub(crate) async fn serve(topic: &str) -> (Self, SdkConfig) {
        let lambda = Self::default();
        lambda.kept(|kept| {
            kept.mapping = json!({
                "UUID": "0000-1", "State": "Enabled", "StateTransitionReason": "User action", "LastProcessingResult": "OK",
                "BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 0, "LastModified": 1_790_000_000, "Topics": [topic],
            });
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/2015-03-31/event-source-mappings", get(list))
            .route("/2015-03-31/event-source-mappings/", get(list))
            .route("/2015-03-31/event-source-mappings/0000-1", put(update))
            .with_state(lambda.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let config = aws_config::defaults(BehaviorVersion::latest()).endpoint_url(address).region("us-east-1");
        (lambda, config.test_credentials().load().await)
    }

    fn kept<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    /// Ends a transition.
    pub(crate) fn settle(&self, state: &str) {
        self.kept(|kept| kept.mapping["State"] = json!(state));
    }

    pub(crate) fn refuse_next(&self, updates: usize) {
        self.kept(|kept| kept.busy = updates);
    }

    pub(crate) fn leave(&self, is_away: bool) {
        self.kept(|kept| kept.is_away = is_away);
    }

    pub(crate) fn read_another_topic(&self) {
        self.kept(|kept| kept.mapping["Topics"] = json!(["another"]));
    }

    /// The updates that were taken.
    pub(crate) fn updates(&self) -> Vec<Value> {
        self.kept(|kept| kept.updates.clone())
    }
}

async fn list(State(lambda): State<Lambda>) -> Response {
    lambda.kept(|kept| match kept.is_away {
        // No retry helps, so that the test does not wait for any.
        true => (StatusCode::FORBIDDEN, Json(json!({"Message": "not allowed"}))).into_response(),
        false => {
            let other = json!({"UUID": "0000-0", "State": "Enabled", "Topics": ["other"]});
            Json(json!({"EventSourceMappings": [other, kept.mapping]})).into_response()
        }
    })
}

async fn update(State(lambda): State<Lambda>, Json(update): Json<Value>) -> Response {
    lambda.kept(|kept| {
        if kept.busy > 0 {
            kept.busy -= 1;
            let headers = [("x-amzn-errortype", "ResourceInUseException")];
            return (StatusCode::BAD_REQUEST, headers, Json(json!({"Message": "busy"}))).into_response();
        }
        for name in ["BatchSize", "MaximumBatchingWindowInSeconds"] {
            if let Some(value) = update.get(name) {
                kept.mapping[name] = value.clone();
            }
        }
        if let Some(enabled) = update.get("Enabled") {
            kept.mapping["State"] = json!(if *enabled == json!(true) { "Enabling" } else { "Disabling" });
        }
        kept.updates.push(update);
        (StatusCode::ACCEPTED, Json(kept.mapping.clone())).into_response()
    })
}
