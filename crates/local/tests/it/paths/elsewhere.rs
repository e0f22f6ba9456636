//! Functions on other hosts, as triggers see them. The host is a server of the test.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, response::IntoResponse, routing::post};
use http::{HeaderMap, StatusCode};
use millrace::host::{InvokeError, Origin};
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore};

use super::to;
use crate::support::{App, source::Source, topic::rec, until};

/// A host whose function answers when the test lets it, and what it was sent.
struct There {
    calls: Mutex<Vec<(HeaderMap, String)>>,
    answers: Semaphore,
}

impl There {
    async fn start(listener: TcpListener) -> Arc<Self> {
        let there = Arc::new(Self { calls: Mutex::default(), answers: Semaphore::new(0) });
        let router = Router::new().route("/2015-03-31/functions/f/invocations", post(Self::answer));
        let router = router.with_state(Arc::clone(&there));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        there
    }

    async fn answer(State(there): State<Arc<Self>>, headers: HeaderMap, event: String) -> impl IntoResponse {
        there.calls.lock().unwrap().push((headers, event));
        there.answers.acquire().await.unwrap().forget();
        (StatusCode::OK, [("x-amzn-requestid", "there-1")], "\"done\"")
    }

    fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

pub(crate) async fn a_host_that_cannot_be_reached_uses_up_no_retry_and_loses_nothing() {
    let (listener, address) = listener().await;
    let at = listener.local_addr().unwrap();
    drop(listener);
    let paths = to(&address, &["F"], &BTreeMap::new()).await;
    let source = Source::on(1, "MaximumRetryAttempts: 0", "", paths).await;
    source.topic.produce(&[rec(0, "a")]).await;
    source.enable().await;
    until("two attempts", async || (source.mapping.statistics().invocations >= 2).then_some(())).await;
    assert_eq!(source.mapping.statistics().given_up, 0);
    assert!(source.committed().await.iter().all(|offset| offset.is_none_or(|offset| offset == 0)));
    let refused = source.app.try_invoke("{}").await.unwrap_err();
    assert!(matches!(&refused, InvokeError::Unreachable { reason, .. } if reason.contains(&address)), "{refused}");

    let there = There::start(TcpListener::bind(at).await.unwrap()).await;
    there.answers.add_permits(1);
    source.until_committed(&[1]).await;
    assert_eq!(there.calls(), 1);
    source.mapping.disable().await;
}

pub(crate) async fn a_concurrency_limit_holds_for_another_host_too() {
    let (listener, address) = listener().await;
    let there = There::start(listener).await;
    let template = "{Resources: {F: {Type: 'AWS::Serverless::Function', Properties:
        {Runtime: provided.al2023, CodeUri: f/, Timeout: 60, ReservedConcurrentExecutions: 1}}}}";
    let app = App::on(template, "", to(&address, &["F"], &BTreeMap::new()).await);
    let first = app.start_invocation(&json!({}));
    until("the first call", async || (there.calls() == 1).then_some(())).await;
    assert_eq!(app.try_invoke("{}").await.unwrap_err(), InvokeError::Throttled);
    there.answers.add_permits(1);
    let outcome = first.await.unwrap().unwrap();
    assert_eq!((&outcome.payload[..], outcome.request_id.as_str()), (&b"\"done\""[..], "there-1"));
    assert_eq!(there.calls(), 1, "the throttled one did not get there");
}

pub(crate) async fn calls_are_signed_when_the_environment_has_credentials() {
    let (listener, address) = listener().await;
    let there = There::start(listener).await;
    there.answers.add_permits(2);
    let template = "{Resources: {F: {Type: 'AWS::Serverless::Function', Properties:
        {Runtime: provided.al2023, CodeUri: f/, Timeout: 60}}}}";
    let credentials = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-1")];
    let credentials = credentials.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for environment in [BTreeMap::new(), credentials] {
        let app = App::on(template, "", to(&address, &["F"], &environment).await);
        app.host.invoke(&Origin::caller(), "F", "{}".into()).await.unwrap();
    }
    let calls = there.calls.lock().unwrap();
    assert!(!calls[0].0.contains_key("authorization"));
    let signature = calls[1].0["authorization"].to_str().unwrap();
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=key/"), "{signature}");
    assert!(signature.contains("/eu-west-1/lambda/aws4_request"), "{signature}");
}
