//! The edge: HTTP, the clock, and what must be remembered between requests (rate limit, faults, counts).

use crate::config::Config;
use crate::fault::{Fault, Faults, Kind};
use crate::feed::{Feed, Generated};
use crate::limit::{RateLimit, Standing};
use crate::page::{self, Page};
use crate::replay::Replay;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Says what time it is; tests bring their own.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A simulator: cheap to clone, one for all requests.
#[derive(Clone)]
pub struct Simulator {
    config: Arc<Config>,
    feed: Arc<Feed>,
    clock: Clock,
    memory: Arc<Mutex<Memory>>,
}

/// What lives between requests.
#[derive(Default)]
struct Memory {
    limit: RateLimit,
    faults: Faults,
    frozen_at: Option<DateTime<Utc>>,
    requests: u64,
    events: u64,
    not_modified: u64,
    refused_tokens: u64,
    rate_limited: u64,
    faults_served: u64,
}

impl Simulator {
    /// # Errors
    /// When the file to replay cannot be read.
    pub fn new(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let feed = match &config.replay {
            Some(path) => Feed::Replay(Replay::open(path, config.rate, clock())?),
            None => {
                let Config { seed, rate, late_per_mille, .. } = config;
                Feed::Generated(Generated { seed, rate, late_per_mille })
            }
        };
        Ok(Self { config: Arc::new(config), feed: Arc::new(feed), clock, memory: Arc::default() })
    }

    /// All routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/events", get(events))
            .route("/health", get(async || Json(json!({"status": "ok"}))))
            .route("/_simulator/stats", get(stats))
            .route("/_simulator/faults", post(add_fault).delete(clear_faults))
            .with_state(self)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // The counts of a request that panicked are still counts.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// GitHub renews the feed once a poll interval: whoever asks more often gets 304.
    fn renewed_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let since = now.timestamp_millis().rem_euclid(i64::from(self.config.poll_interval) * 1_000);
        now - TimeDelta::milliseconds(since)
    }

    fn answer(&self, query: &HashMap<String, String>, headers: &HeaderMap) -> Response<Body> {
        let now = (self.clock)();
        let mut memory = self.memory();
        memory.requests += 1;
        if !headers.contains_key(header::USER_AGENT) {
            return message(
                StatusCode::FORBIDDEN,
                "Request forbidden by administrative rules. Please send a User-Agent header.",
            );
        }
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(bearer);
        let page = Page::parse(query.get("per_page").map(String::as_str), query.get("page").map(String::as_str));
        let fault = memory.faults.take(page.number);
        memory.faults_served += u64::from(fault.is_some());
        if token == Some(self.config.bad_token.as_str()) || fault.is_some_and(|fault| fault.kind == Kind::Unauthorized)
        {
            memory.refused_tokens += 1;
            return message(StatusCode::UNAUTHORIZED, "Bad credentials");
        }
        if page.is_beyond_the_window() {
            return message(
                StatusCode::UNPROCESSABLE_ENTITY,
                "In order to keep the API fast for everyone, pagination is limited for this resource.",
            );
        }
        let feed_at = match fault.map(|fault| fault.kind) {
            Some(Kind::Stale) => *memory.frozen_at.get_or_insert_with(|| self.renewed_at(now)),
            _ => {
                memory.frozen_at = None;
                self.renewed_at(now)
            }
        };
        let window = self.feed.window(feed_at);
        let shown = page.of(&window);
        let etag = page::etag(self.config.seed, shown);
        let if_none_match = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let truncated = fault.is_some_and(|fault| fault.kind == Kind::Truncated);
        let unchanged = !truncated && if_none_match.is_some_and(|tags| page::matches(tags, &etag));
        let limit = if token.is_some() { self.config.rate_limit } else { self.config.rate_limit_anonymous };
        let cost = if unchanged && token.is_some() { 0 } else { 1 };
        let standing = memory.limit.charge(token.unwrap_or_default(), limit, cost, now);
        let mut response = if !standing.allowed {
            memory.rate_limited += 1;
            message(StatusCode::FORBIDDEN, "API rate limit exceeded")
        } else if let Some(refusal) = fault.and_then(refusal) {
            refusal
        } else if unchanged {
            memory.not_modified += 1;
            with_tag(Response::new(Body::empty()), StatusCode::NOT_MODIFIED, &etag)
        } else {
            memory.events += shown.len() as u64;
            drop(memory);
            let mut body = self.body(shown);
            if truncated {
                body.truncate(body.len() / 2);
            }
            let mut response = with_tag(Response::new(body.into()), StatusCode::OK, &etag);
            let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1");
            if let Some(link) = page.link(&format!("http://{host}/events"), window.len()) {
                set(&mut response, header::LINK, &link);
            }
            set(&mut response, header::CONTENT_TYPE, "application/json; charset=utf-8");
            response
        };
        self.describe(&mut response, standing);
        response
    }

    fn body(&self, shown: &[u64]) -> Vec<u8> {
        let mut body = vec![b'['];
        for (index, sequence) in shown.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&self.feed.render(*sequence));
        }
        body.push(b']');
        body
    }

    fn describe(&self, response: &mut Response<Body>, standing: Standing) {
        let Standing { limit, remaining, reset, .. } = standing;
        set(response, HeaderName::from_static("x-poll-interval"), &self.config.poll_interval.to_string());
        set(response, HeaderName::from_static("x-ratelimit-limit"), &limit.to_string());
        set(response, HeaderName::from_static("x-ratelimit-remaining"), &remaining.to_string());
        set(response, HeaderName::from_static("x-ratelimit-used"), &(limit - remaining).to_string());
        set(response, HeaderName::from_static("x-ratelimit-reset"), &reset.to_string());
        set(response, HeaderName::from_static("x-ratelimit-resource"), "core");
        set(response, HeaderName::from_static("x-github-media-type"), "github.v3; format=json");
    }
}

async fn events(
    State(simulator): State<Simulator>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response<Body> {
    simulator.answer(&query, &headers)
}

async fn stats(State(simulator): State<Simulator>) -> Json<Value> {
    let Config { seed, rate, poll_interval, replay, .. } = &*simulator.config;
    let memory = simulator.memory();
    Json(json!({
        "seed": seed, "events_per_second": rate, "poll_interval_seconds": poll_interval, "replay": replay,
        "requests": memory.requests, "events_served": memory.events, "not_modified": memory.not_modified,
        "refused_tokens": memory.refused_tokens, "rate_limited": memory.rate_limited,
        "faults_served": memory.faults_served, "faults_pending": memory.faults.pending(),
    }))
}

async fn add_fault(State(simulator): State<Simulator>, Json(fault): Json<Fault>) -> Response<Body> {
    let mut memory = simulator.memory();
    if !memory.faults.add(fault) {
        return message(StatusCode::CONFLICT, "too many faults are pending");
    }
    Json(json!({"faults_pending": memory.faults.pending()})).into_response()
}

async fn clear_faults(State(simulator): State<Simulator>) -> Json<Value> {
    simulator.memory().faults.clear();
    Json(json!({"faults_pending": []}))
}

/// The answer of a fault that is an error status.
fn refusal(fault: Fault) -> Option<Response<Body>> {
    let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let (mut response, retry) = match fault.kind {
        Kind::Forbidden => (message(StatusCode::FORBIDDEN, secondary), true),
        Kind::TooManyRequests => (message(StatusCode::TOO_MANY_REQUESTS, secondary), true),
        Kind::ServerError => {
            let page = "<html><body><h1>Whoa there!</h1></body></html>";
            ((StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/html")], page).into_response(), false)
        }
        Kind::Unauthorized | Kind::Truncated | Kind::Stale => return None,
    };
    if retry {
        set(&mut response, header::RETRY_AFTER, &fault.retry_after_seconds.to_string());
    }
    Some(response)
}

fn bearer(authorization: &str) -> &str {
    authorization.split_once(' ').map_or(authorization, |(_, token)| token.trim())
}

fn message(status: StatusCode, text: &str) -> Response<Body> {
    let body = json!({"message": text, "documentation_url": "https://docs.github.com/rest", "status": status.as_str()});
    (status, Json(body)).into_response()
}

fn with_tag(mut response: Response<Body>, status: StatusCode, etag: &str) -> Response<Body> {
    *response.status_mut() = status;
    set(&mut response, header::ETAG, etag);
    set(&mut response, header::CACHE_CONTROL, "public, max-age=60, s-maxage=60");
    set(&mut response, header::VARY, "Accept, Authorization, Cookie, X-GitHub-OTP");
    response
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
