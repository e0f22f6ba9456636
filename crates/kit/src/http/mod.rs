//! The HTTP edge of a function behind an HTTP API: an axum router with its documentation, and one error shape for all.

mod body;
mod docs;
mod problem;
mod query;

use std::future::Future;

use axum::Router;

pub use body::{Body, Raw, parse};
pub use docs::documented;
pub use problem::Problem;
pub use query::Query;

use crate::{run::Error, run::load_or_report, telemetry};

/// Runs a function that answers HTTP API events (payload 2.0) with the router that `load` builds.
///
/// Unknown paths answer 404 and wrong methods 405, both as [`Problem`].
///
/// # Errors
/// When `load` fails, or the Runtime API is gone.
pub async fn serve(load: impl Future<Output = anyhow::Result<Router>>) -> Result<(), Error> {
    telemetry::init();
    let router = with_fallbacks(load_or_report(load).await?);
    lambda_http::run(router).await
}

/// Adds the answers for unknown paths and wrong methods. Tests that call a router directly use it too.
pub fn with_fallbacks(router: Router) -> Router {
    router
        .fallback(|uri: http::Uri| async move { Problem::not_found(format!("no resource at {}", uri.path())) })
        .method_not_allowed_fallback(|method: http::Method| async move { Problem::method_not_allowed(&method) })
}
