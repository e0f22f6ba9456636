//! Notices that the process is to end, so that a handler which works for as long as it may can stop early.
//!
//! Lambda sends SIGTERM only to environments with an extension, so one that does nothing is registered.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::Request;
use lambda_runtime_api_client::{Client, body::Body};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Becomes true once, when the process is asked to end. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending(Arc<AtomicBool>);

impl Ending {
    /// Registers the extension and listens for SIGTERM. Must come before the first call for an event.
    pub(crate) async fn watch() -> Self {
        let ending = Self::default();
        // Without it invocations are cut off at their deadline only, which every handler must survive anyway.
        if let Err(error) = register().await {
            warn!(error = %error, "no notice of the end will come");
            return ending;
        }
        let told = ending.clone();
        tokio::spawn(async move {
            let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
            terminate.recv().await;
            info!("asked to end");
            told.0.store(true, Ordering::Release);
        });
        ending
    }

    pub(crate) fn is_near(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

async fn register() -> Result<(), crate::Error> {
    let client = Client::builder().build()?;
    let request = Request::post("/2020-01-01/extension/register")
        .header("lambda-extension-name", "millrace-kit")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"events":[]}"#))?;
    let answer = client.call(request).await?;
    let id = answer.headers().get("lambda-extension-identifier").ok_or("the extension got no identifier")?.clone();
    // The init phase lasts until every extension has asked for an event; this one never gets any.
    tokio::spawn(async move {
        let request = Request::get("/2020-01-01/extension/event/next").header("lambda-extension-identifier", id);
        if let Ok(request) = request.body(Body::empty()) {
            let _ = client.call(request).await;
        }
    });
    Ok(())
}
