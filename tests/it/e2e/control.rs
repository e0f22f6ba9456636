//! The pipeline's control over HTTP, on the AWS calls that the runner answers: settings, a token that is shown nowhere, a
//! stop that outlives a restart.

use std::{process::Command, time::Duration};

use serde_json::json;

use super::{
    http::{get, post},
    instance::{Instance, until},
};

/// As the documentation has it.
const PRODUCER_CONFIG: &str =
    r#"{"fetch_interval_seconds": 15, "max_events_per_fetch": 200, "github_token": "your_token_here"}"#;
const STREAMING_CONFIG: &str = r#"{"trigger_interval": "15 seconds", "max_events_per_batch": 2000}"#;

/// Of the poller's invocation that has begun, of a batch that is collected for 15 s.
const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn the_pipeline_is_configured_stopped_and_started_over_http() {
    let instance = Instance::new();
    assert!(!instance.up().contains("is stopped"));
    let apis = || ["GithubProducerHttpApi", "GithubStreamingHttpApi"].map(|name| instance.api(name));
    let [producer, streaming] = apis();
    for api in [&producer, &streaming] {
        assert_eq!(post(&format!("{api}/start"), None)["status"], "running", "what runs already");
    }
    settings_hold_and_the_token_is_shown_nowhere(&instance, &producer, &streaming);

    for _ in 0..2 {
        assert_ne!(post(&format!("{producer}/stop"), None)["status"], "running");
        assert_ne!(post(&format!("{streaming}/stop"), None)["status"], "running");
    }
    until("a trigger that has stopped", LIMIT, || {
        (get(&format!("{streaming}/status"))["status"] == "stopped").then_some(())
    });
    until("records that nobody reads", LIMIT, || {
        // The poller's last invocation may still send some, or have sent them.
        let lag = get(&format!("{streaming}/status"))["lag"].as_i64().unwrap();
        (lag > 0 || get(&format!("{producer}/status"))["status"] == "stopped").then_some(())
    });

    instance.down();
    let said = instance.up();
    for line in [
        "schedule github-poller (rate(1 minute) of github-poller) is stopped, as it was left",
        "mapping GithubLakeWriterEvents (github-events of github-lake-writer) is stopped, as it was left",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let [producer, streaming] = apis();
    assert_eq!(get(&format!("{streaming}/status"))["trigger"]["state"], "Disabled");
    assert_eq!(get(&format!("{streaming}/config"))["max_events_per_batch"], 2000);
    until("a poller that has stopped", LIMIT, || {
        (get(&format!("{producer}/status"))["status"] == "stopped").then_some(())
    });

    // The last call counts, however fast they follow one another.
    for path in ["/start", "/stop", "/start", "/stop", "/start"] {
        for api in [&streaming, &producer] {
            post(&format!("{api}{path}"), None);
        }
    }
    let before = instance.records_and_lag().0;
    // Polls and batches take 15 s each, so something always waits; what is read goes beyond what was there.
    until("new events that are read", LIMIT, || {
        let (records, lag) = instance.records_and_lag();
        (records - lag > before).then_some(())
    });
    for api in [&producer, &streaming] {
        assert_eq!(get(&format!("{api}/status"))["status"], "running");
        assert_eq!(get(&format!("{api}/health"))["status"], "healthy");
    }
}

fn settings_hold_and_the_token_is_shown_nowhere(instance: &Instance, producer: &str, streaming: &str) {
    let config = post(&format!("{producer}/config"), Some(PRODUCER_CONFIG));
    assert_eq!((&config["fetch_interval_seconds"], &config["max_events_per_fetch"]), (&json!(15), &json!(200)));
    let config = post(&format!("{streaming}/config"), Some(STREAMING_CONFIG));
    assert_eq!((&config["trigger_interval"], &config["max_events_per_batch"]), (&json!("15 seconds"), &json!(2000)));
    until("the token at work", LIMIT, || {
        (get(&format!("{producer}/status"))["token"]["status"] == "accepted").then_some(())
    });
    let sent = get(&format!("{producer}/stats"))["sent"].as_i64().unwrap();
    until("events as before", LIMIT, || {
        (get(&format!("{producer}/stats"))["sent"].as_i64() > Some(sent)).then_some(())
    });
    let events = get(&format!("{streaming}/stats"))["events"].as_i64();
    until("events in the lake as before", LIMIT, || {
        (get(&format!("{streaming}/stats"))["events"].as_i64() > events).then_some(())
    });
    for path in ["/status", "/config", "/stats"] {
        assert!(!get(&format!("{producer}{path}")).to_string().contains("your_token_here"), "{path}");
    }
    // In no log, no database and no topic: only Secrets Manager has it, which is the emulator here.
    let found = Command::new("grep").args(["-rlF", "your_token_here"]).arg(instance.dir()).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    let elsewhere: Vec<&str> = found.lines().filter(|path| !path.contains("ministack")).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}
