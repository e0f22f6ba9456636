//! A Lambda that only notes who is invoked.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

/// Function and kind of each invocation.
pub(crate) type Invoked = Arc<Mutex<Vec<(String, String)>>>;

/// Its address, and what it notes.
pub(crate) async fn start() -> (String, Invoked) {
    let invoked = Invoked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/2015-03-31/functions/{name}/invocations", post(note));
    let router = router.with_state(Arc::clone(&invoked));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, invoked)
}

async fn note(State(invoked): State<Invoked>, Path(name): Path<String>, headers: HeaderMap) -> StatusCode {
    let kind = headers["x-amz-invocation-type"].to_str().unwrap().to_owned();
    invoked.lock().unwrap().push((name, kind));
    StatusCode::ACCEPTED
}

/// The configuration of a client of it.
pub(crate) fn at(address: &str) -> SdkConfig {
    let credentials = aws_sdk_lambda::config::Credentials::new("test", "test", None, None, "test");
    let credentials = aws_sdk_lambda::config::SharedCredentialsProvider::new(credentials);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(address)
        .build()
}
