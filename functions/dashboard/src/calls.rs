//! Calls to the other interfaces: which ones, how long they may take, and how much they may answer.

use std::time::Duration;

use anyhow::Context;
use kit::Env;
use reqwest::{Method, RequestBuilder, redirect};
use serde_json::Value;
use tokio::time::timeout;

/// A panel waits this long: an interface that has waited five seconds for Postgres says so itself.
const READ_DEADLINE: Duration = Duration::from_secs(7);
/// A start or a stop.
const ACT_DEADLINE: Duration = Duration::from_secs(15);
/// An answer; a page of a few events with large payloads is the largest.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Where the other interfaces are.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// `REGISTRY_URL`.
    pub registry: String,
    /// `PRODUCER_URL`.
    pub producer: String,
    /// `STREAMING_URL`.
    pub streaming: String,
    /// `QUERY_URL`.
    pub query: String,
    /// `NUMBERS_URL`.
    pub numbers: String,
    /// `POSTS_SHARDS_URL`.
    pub posts_shards: String,
}

impl Addresses {
    /// Reads the variables; what is missing is told by [`Env::finish`].
    pub fn read(env: &mut Env) -> Self {
        let mut address = |name: &str| env.required(name).trim_end_matches('/').to_owned();
        Self {
            registry: address("REGISTRY_URL"),
            producer: address("PRODUCER_URL"),
            streaming: address("STREAMING_URL"),
            query: address("QUERY_URL"),
            numbers: address("NUMBERS_URL"),
            posts_shards: address("POSTS_SHARDS_URL"),
        }
    }
}

/// A client of the other interfaces.
pub(crate) struct Calls {
    http: reqwest::Client,
    addresses: Addresses,
}

impl Calls {
    pub(crate) fn new(addresses: Addresses) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("millrace-dashboard/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .build()
            .context("build the http client")?;
        Ok(Self { http, addresses })
    }

    /// What the panels show, by the panel's name.
    pub(crate) fn panels(&self) -> [(&'static str, String); 10] {
        let Addresses { registry, producer, streaming, query, numbers, posts_shards } = &self.addresses;
        [
            ("services", format!("{registry}/services")),
            ("flow", format!("{registry}/services/github-lake-writer")),
            ("producer", format!("{producer}/status")),
            ("producer_stats", format!("{producer}/stats")),
            ("streaming", format!("{streaming}/status")),
            ("table", format!("{streaming}/table/info")),
            ("events", format!("{query}/events?hours_back=1&page_size=12")),
            ("stats", format!("{query}/stats?hours_back=1")),
            ("numbers", format!("{numbers}/stages")),
            ("posts", format!("{posts_shards}/status")),
        ]
    }

    /// Address of a button's call; `None` for what no button does.
    pub(crate) fn action(&self, part: &str, action: &str) -> Option<String> {
        let address = match part {
            "producer" => &self.addresses.producer,
            "streaming" => &self.addresses.streaming,
            _ => return None,
        };
        matches!(action, "start" | "stop").then(|| format!("{address}/{action}"))
    }

    /// What the registry says of all services.
    pub(crate) async fn services(&self) -> Result<Value, String> {
        self.get(&format!("{}/services", self.addresses.registry)).await
    }

    /// JSON, or why there is none.
    pub(crate) async fn get(&self, url: &str) -> Result<Value, String> {
        ask(self.http.request(Method::GET, url), READ_DEADLINE).await
    }

    /// As [`Calls::get`], for a call that changes something.
    pub(crate) async fn post(&self, url: &str) -> Result<Value, String> {
        ask(self.http.request(Method::POST, url), ACT_DEADLINE).await
    }
}

async fn ask(request: RequestBuilder, deadline: Duration) -> Result<Value, String> {
    let answer = async {
        let request = request.header("accept", "application/json");
        let mut answer = request.send().await.map_err(|error| chain(error.without_url()))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| chain(error.without_url()))? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(format!("its answer is larger than {BODY_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        read(status.as_u16(), &body)
    };
    timeout(deadline, answer).await.unwrap_or_else(|_| Err(format!("no answer within {} s", deadline.as_secs())))
}

/// Takes the body of a success; of a failure what its problem says.
fn read(status: u16, body: &[u8]) -> Result<Value, String> {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    if (200..300).contains(&status) {
        return json.ok_or_else(|| "its answer is not JSON".to_owned());
    }
    let detail = json.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    Err(detail.map_or_else(|| format!("it answered with status {status}"), str::to_owned))
}

/// An error with all of its causes: the first link says only that a request failed.
fn chain(error: reqwest::Error) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_failure_is_told_in_its_own_words() {
        assert_eq!(read(200, b"{}"), Ok(serde_json::json!({})));
        assert_eq!(read(200, b"<html>").unwrap_err(), "its answer is not JSON");
        assert_eq!(read(503, br#"{"detail":"Postgres is away"}"#).unwrap_err(), "Postgres is away");
        assert_eq!(read(502, b"bad gateway").unwrap_err(), "it answered with status 502");
    }

    proptest! {
        #[test]
        fn any_answer_is_read(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(status, &body);
        }
    }
}
