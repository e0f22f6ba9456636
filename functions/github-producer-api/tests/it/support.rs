//! A database, a secret and a schedule of a test's own.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, SdkConfig};
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{Request, StatusCode},
    routing::get,
};
use github_producer_api::Controlled;
use http_body_util::BodyExt;
use pg::testing::TestDatabase;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

/// A schedule as Scheduler keeps it: what an update leaves out is gone.
#[derive(Clone, Default)]
struct Scheduler(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    schedule: Value,
    updates: usize,
    broken: bool,
}

pub(crate) struct World {
    api: Router,
    pub(crate) database: TestDatabase,
    scheduler: Scheduler,
    aws: SdkConfig,
    secret: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        assert!(std::env::var_os("AWS_ENDPOINT_URL").is_some(), "AWS_ENDPOINT_URL is not set: run `make test`");
        let database = pg::testing::database().await;
        let scheduler = Scheduler::default();
        scheduler.0.lock().unwrap().schedule = full_schedule();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/schedules/github-poller", get(read).put(update));
        let routes = routes.with_state(scheduler.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let here = aws_config::defaults(BehaviorVersion::latest()).endpoint_url(address).region("us-east-1");
        let here = here.test_credentials().load().await;
        let aws = aws_config::load_from_env().await;
        let secret = format!("test/github-token-{}", Uuid::new_v4().simple());
        let controlled = Controlled { schedule: "github-poller".into(), token_secret: secret.clone() };
        let api = github_producer_api::router(controlled, &here, aws.clone(), database.pool.clone());
        Self { api: kit::http::with_fallbacks(api), database, scheduler, aws, secret }
    }

    pub(crate) fn schedule(&self) -> Value {
        self.scheduler.0.lock().unwrap().schedule.clone()
    }

    pub(crate) fn updates(&self) -> usize {
        self.scheduler.0.lock().unwrap().updates
    }

    pub(crate) fn break_scheduler(&self, broken: bool) {
        self.scheduler.0.lock().unwrap().broken = broken;
    }

    /// The token that is stored.
    pub(crate) async fn secret(&self) -> Option<String> {
        let secret = kit::secrets::load_from(&self.aws, &self.secret).await;
        secret.ok().map(|secret| secret.expose().to_owned())
    }

    pub(crate) async fn execute(&self, statement: &str) {
        sqlx::query(statement).execute(&self.database.pool).await.unwrap();
    }

    pub(crate) async fn scalar(&self, query: &str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.database.pool).await.unwrap()
    }

    pub(crate) async fn json(&self, query: &str) -> Value {
        sqlx::query_scalar(query).fetch_one(&self.database.pool).await.unwrap()
    }

    pub(crate) async fn request(&self, method: &str, path: &str, body: Option<String>) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        let response = self.api.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        if status >= 400 {
            assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        }
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, json) = self.request("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> Value {
        let (status, json) = self.request("POST", path, body.map(|body| body.to_string())).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    /// Removes what the test made. A failed test leaves it behind to look at.
    pub(crate) async fn end(self) {
        kit::secrets::remove(&self.aws, &self.secret).await.unwrap();
        drop(self.api);
        self.database.drop_database().await;
    }
}

async fn read(State(scheduler): State<Scheduler>) -> (StatusCode, Json<Value>) {
    let kept = scheduler.0.lock().unwrap();
    match kept.broken {
        // No retry helps, so that the test does not wait for any.
        true => (StatusCode::FORBIDDEN, Json(json!({"Message": "not allowed"}))),
        false => (StatusCode::OK, Json(kept.schedule.clone())),
    }
}

async fn update(State(scheduler): State<Scheduler>, Json(mut update): Json<Value>) -> Json<Value> {
    let mut kept = scheduler.0.lock().unwrap();
    for name in ["Arn", "Name", "CreationDate"] {
        update[name] = kept.schedule[name].clone();
    }
    update.as_object_mut().unwrap().remove("ClientToken");
    kept.schedule = update;
    kept.updates += 1;
    Json(json!({"ScheduleArn": kept.schedule["Arn"]}))
}

/// Every field that a schedule has.
fn full_schedule() -> Value {
    json!({
        "Arn": "arn:aws:scheduler:us-east-1:000000000000:schedule/default/github-poller",
        "Name": "github-poller",
        "GroupName": "default",
        "CreationDate": 1790000000.0,
        "Description": "polls",
        "ScheduleExpression": "rate(1 minute)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "StartDate": 1790000000,
        "EndDate": 1890000000,
        "State": "ENABLED",
        "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1",
        "ActionAfterCompletion": "NONE",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "Target": {
            "Arn": "arn:aws:lambda:us-east-1:000000000000:function:github-poller",
            "RoleArn": "arn:aws:iam::000000000000:role/scheduler",
            "Input": "{\"a\":1}",
            "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:000000000000:dead"},
            "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60}
        }
    })
}
