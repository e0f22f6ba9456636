//! Logs as JSON lines on stderr: one object a line, its fields beside the message.

use tracing_subscriber::EnvFilter;

/// Starts logging for this process. `RUST_LOG` or `AWS_LAMBDA_LOG_LEVEL` filters; `info` when neither is set.
///
/// A second call does nothing, so that tests may call it freely.
pub fn init() {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_from_env("AWS_LAMBDA_LOG_LEVEL"))
        .unwrap_or_else(|_| EnvFilter::new("info,rdkafka=warn,librdkafka=warn"));
    // A logger that is already there (a test's) stays.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}
