//! Functions that another host runs: `cargo lambda watch`, MiniStack, LocalStack, AWS. They are reached by Lambda's
//! Invoke API, `POST /2015-03-31/functions/<name>/invocations`.
//!
//! [`endpoint`] says where a host is, [`answer`] what its answers mean, [`sign`] signs requests as AWS wants it, and
//! [`Remote`] sends them.
//!
//! Deliberately absent: retries. Whoever invokes knows what a failure means for its event.

mod answer;
mod endpoint;
mod sign;

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use self::answer::Received;
pub use self::{
    answer::{Answer, CallError},
    endpoint::{Endpoint, Endpoints},
    sign::Signer,
};

/// What AWS's clients leave as it is in a path.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How long the connection itself may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// One invocation of a function elsewhere.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Name or ARN.
    pub function: &'a str,
    /// The event.
    pub payload: Bytes,
    /// `RequestResponse` or `Event`.
    pub kind: &'a str,
    /// Whether the end of the function's log is wanted.
    pub log_tail: bool,
    /// How long the answer may take.
    pub limit: Duration,
}

/// A host of functions, ready to be called.
#[derive(Debug)]
pub struct Remote {
    endpoint: Endpoint,
    client: reqwest::Client,
    signer: Option<Signer>,
}

impl Remote {
    /// Prepares calls to `endpoint`. They are signed when it is AWS, or when `environment` has credentials.
    ///
    /// # Errors
    /// When the endpoint is AWS and there are no credentials.
    pub async fn new(endpoint: Endpoint, environment: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let signer = Signer::find(&endpoint, environment).await?;
        let client = reqwest::Client::builder().connect_timeout(CONNECT_LIMIT);
        let client = if endpoint.is_loopback() { client.no_proxy() } else { client };
        Ok(Self { endpoint, client: client.build().context("create an HTTP client")?, signer })
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Invokes a function.
    ///
    /// # Errors
    /// When the function was not invoked, or its answer did not come in time.
    pub async fn call(&self, call: &Call<'_>) -> Result<Answer, CallError> {
        match tokio::time::timeout(call.limit, self.send(call)).await {
            Err(_) => Err(CallError::TimedOut),
            Ok(Err(error)) => Err(CallError::NotInvoked(format!("{}: {error:#}", self.endpoint))),
            Ok(Ok(received)) => answer::read(received),
        }
    }

    async fn send(&self, call: &Call<'_>) -> anyhow::Result<Received> {
        let name = utf8_percent_encode(call.function, &PLAIN);
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.endpoint);
        let mut headers = vec![("content-type", "application/json"), ("x-amz-invocation-type", call.kind)];
        if call.log_tail {
            headers.push(("x-amz-log-type", "Tail"));
        }
        let signature = match &self.signer {
            Some(signer) => signer.sign("POST", &url, &headers, &call.payload).await?,
            None => Vec::new(),
        };
        let mut request = self.client.post(&url).body(call.payload.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signature {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(without_url)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(without_url)?;
        Ok(Received { status, headers, body })
    }
}

/// The caller names the address already.
fn without_url(error: reqwest::Error) -> anyhow::Error {
    error.without_url().into()
}
