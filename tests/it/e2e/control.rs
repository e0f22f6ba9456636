//! The pipeline's control over HTTP, on the AWS calls that the runner answers: settings, a token that is shown nowhere, a
//! stop that outlives a restart.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use super::instance::{Instance, until};

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
        assert_eq!(post(api, "/start", None)["status"], "running", "what runs already");
    }
    settings_hold_and_the_token_is_shown_nowhere(&instance, &producer, &streaming);

    for _ in 0..2 {
        assert_ne!(post(&producer, "/stop", None)["status"], "running");
        assert_ne!(post(&streaming, "/stop", None)["status"], "running");
    }
    until("a trigger that has stopped", LIMIT, || (get(&streaming, "/status")["status"] == "stopped").then_some(()));
    until("records that nobody reads", LIMIT, || {
        // The poller's last invocation may still send some, or have sent them.
        let lag = get(&streaming, "/status")["lag"].as_i64().unwrap();
        (lag > 0 || get(&producer, "/status")["status"] == "stopped").then_some(())
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
    assert_eq!(get(&streaming, "/status")["trigger"]["state"], "Disabled");
    assert_eq!(get(&streaming, "/config")["max_events_per_batch"], 2000);
    until("a poller that has stopped", LIMIT, || (get(&producer, "/status")["status"] == "stopped").then_some(()));

    // The last call counts, however fast they follow one another.
    for path in ["/start", "/stop", "/start", "/stop", "/start"] {
        post(&streaming, path, None);
        post(&producer, path, None);
    }
    let before = instance.records_and_lag().0;
    until("new events, all of them read", LIMIT, || {
        let (records, lag) = instance.records_and_lag();
        (records > before && lag == 0).then_some(())
    });
    for api in [&producer, &streaming] {
        assert_eq!(get(api, "/status")["status"], "running");
        assert_eq!(get(api, "/health")["status"], "healthy");
    }
}

fn settings_hold_and_the_token_is_shown_nowhere(instance: &Instance, producer: &str, streaming: &str) {
    let config = post(producer, "/config", Some(PRODUCER_CONFIG));
    assert_eq!((&config["fetch_interval_seconds"], &config["max_events_per_fetch"]), (&json!(15), &json!(200)));
    let config = post(streaming, "/config", Some(STREAMING_CONFIG));
    assert_eq!((&config["trigger_interval"], &config["max_events_per_batch"]), (&json!("15 seconds"), &json!(2000)));
    until("the token at work", LIMIT, || (get(producer, "/status")["token"]["status"] == "accepted").then_some(()));
    let sent = get(producer, "/stats")["sent"].as_i64().unwrap();
    until("events as before", LIMIT, || (get(producer, "/stats")["sent"].as_i64() > Some(sent)).then_some(()));
    let events = get(streaming, "/stats")["events"].as_i64();
    until("events in the lake as before", LIMIT, || {
        (get(streaming, "/stats")["events"].as_i64() > events).then_some(())
    });
    for path in ["/status", "/config", "/stats"] {
        assert!(!get(producer, path).to_string().contains("your_token_here"), "{path}");
    }
    // In no log, no database and no topic: only Secrets Manager has it, which is the emulator here.
    let found = Command::new("grep").args(["-rlF", "your_token_here"]).arg(instance.dir()).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    let elsewhere: Vec<&str> = found.lines().filter(|path| !path.contains("ministack")).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

fn get(api: &str, path: &str) -> Value {
    answer(|client| client.get(format!("{api}{path}")))
}

fn post(api: &str, path: &str, body: Option<&'static str>) -> Value {
    answer(|client| {
        let request = client.post(format!("{api}{path}"));
        match body {
            Some(body) => request.header("content-type", "application/json").body(body),
            None => request,
        }
    })
}

fn answer(request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = request(&reqwest::Client::new()).send().await.unwrap();
        let (url, status) = (answer.url().clone(), answer.status());
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{url}: {status}: {body}");
        serde_json::from_str(&body).unwrap()
    })
}
