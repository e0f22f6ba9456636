//! Logs as JSON lines on stderr: one object a line, its fields beside the message.

use tracing_subscriber::EnvFilter;

/// Starts logging for this process. `RUST_LOG` or `AWS_LAMBDA_LOG_LEVEL` filters; `info` when neither is set.
///
/// A second call does nothing, so that tests may call it freely.
pub fn init() {
    let level = ["RUST_LOG", "AWS_LAMBDA_LOG_LEVEL"].iter().find_map(|name| std::env::var(name).ok());
    let filter = filter(level.as_deref());
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

/// At `trace` the runtime would log each event whole, and so tokens that are set and the values of records.
const EVENTS: &str = "lambda_runtime::layers::api_response=error";

fn filter(level: Option<&str>) -> EnvFilter {
    let given = level.and_then(|level| EnvFilter::try_new(level).ok());
    let filter = given.unwrap_or_else(|| EnvFilter::new("info,rdkafka=warn,librdkafka=warn"));
    match EVENTS.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_level_shows_the_events_themselves() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter(Some("trace")));
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!("all else");
            tracing::trace!(target: "lambda_runtime::layers::api_response", body = "ghp_secret", "raw JSON event");
            tracing::error!(target: "lambda_runtime::layers::api_response", "no JSON");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("all else") && text.contains("no JSON") && !text.contains("ghp_secret"), "{text}");
    }
}
