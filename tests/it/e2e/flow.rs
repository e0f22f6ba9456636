//! Events from the simulator to a query and to another engine, with a writer killed on the way, and over a restart.

use std::{collections::BTreeSet, process::Command, time::Duration};

use serde_json::Value;

use super::{
    aws, browser,
    http::{get, text},
    instance::{Instance, root, until},
    view,
};

/// What another engine finds in the table: rows, and distinct positions in Kafka.
const READ_WITH_PYICEBERG: &str = r#"
import duckdb, json
from pyiceberg.catalog import load_catalog
rows = load_catalog("millrace").load_table("github.events").scan(
    selected_fields=("id", "kafka_partition", "kafka_offset")).to_arrow()
total, distinct = duckdb.sql(
    "select count(*), count(distinct kafka_partition || '-' || kafka_offset) from rows").fetchall()[0]
print(json.dumps({"rows": total, "distinct": distinct}))
"#;

#[test]
fn events_flow_from_github_to_a_query_and_every_record_is_there_once() {
    let instance = Instance::new();
    instance.up();

    let query = instance.api("GithubQueryHttpApi");
    let events = until("events in a query", Duration::from_secs(60), || {
        let page = get(&format!("{query}/events?hours_back=1&page_size=10"));
        let events = page["events"].as_array().unwrap().clone();
        (!events.is_empty()).then_some(events)
    });
    assert!(events.len() <= 10);
    let id = events[0]["id"].as_str().unwrap();
    assert_eq!(get(&format!("{query}/events/{id}"))["id"], id);

    kill_the_writer(&instance);
    aws::calls_are_answered_as_aws_does(&instance);

    figures_are_told(&instance, &query);
    view::opens_and_is_left(&instance);
    browser::shows_and_steers_the_pipeline(&instance);
    assert!(instance.millrace(&["fire", "lake-committer"]).status.success());

    // The source dries up; what is in the topic then must be in the table, each record once.
    assert!(instance.millrace(&["stop", "github-simulator"]).status.success());
    let records = at_rest(&instance);
    assert_eq!(rows(&instance, records), records);
    assert_each_event_once(&query);
    assert_eq!(account(&instance), records);

    // Down and up again: everything is where it was, and nothing comes twice.
    instance.down();
    instance.up();
    assert!(instance.millrace(&["stop", "github-simulator"]).status.success());
    let after = at_rest(&instance);
    assert!(after >= records, "{after} records after a restart, {records} before");
    assert_eq!(rows(&instance, after), after);
    assert_eq!(account(&instance), after);
}

/// What Prometheus reads: of an API's functions on its port, of everything on the runner's; what functions print too.
fn figures_are_told(instance: &Instance, query: &str) {
    let of_api = text(&format!("{query}/metrics"));
    assert!(of_api.contains(r#"millrace_invocations_total{function="github-query-api"}"#), "{of_api}");
    assert!(!of_api.contains("github-poller"), "{of_api}");
    let runner = instance.variable("AWS_ENDPOINT_URL_LAMBDA");
    until("figures of the whole stack", Duration::from_secs(30), || {
        let of_all = text(&format!("{runner}/metrics"));
        let series = [
            r#"millrace_github_staged_records_total{function="github-lake-writer"} "#,
            r#"millrace_mapping_lag_records{mapping="GithubLakeWriterEvents",topic="github-events"} "#,
        ];
        series.iter().all(|series| of_all.contains(series)).then_some(())
    });
}

/// Kills the writer's process while batches come, and waits until it works again.
fn kill_the_writer(instance: &Instance) {
    let warm = || instance.function("github-lake-writer")["idle_pids"][0].as_u64();
    let pid = until("a warm writer", Duration::from_secs(30), warm);
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    until("a new writer", Duration::from_secs(30), || {
        let function = instance.function("github-lake-writer");
        let pids = function["idle_pids"].as_array().unwrap();
        (!pids.is_empty() && pids.iter().all(|other| other.as_u64() != Some(pid))).then_some(())
    });
}

/// Waits until nothing is produced any more and nothing waits; gives the number of records.
fn at_rest(instance: &Instance) -> i64 {
    let mut last = (-1, 0);
    until("an empty backlog", Duration::from_secs(60), || {
        let (records, lag) = instance.records_and_lag();
        last.1 = if last.0 == records && lag == 0 { last.1 + 1 } else { 0 };
        last.0 = records;
        // Quiet for several looks: a poll that was under way has been produced by then.
        (last.1 >= 5).then_some(records)
    })
}

/// Waits until the table holds `expected` rows, and fails when a record is there twice.
fn rows(instance: &Instance, expected: i64) -> i64 {
    let python = std::env::var("MILLRACE_READERS_PYTHON").expect("MILLRACE_READERS_PYTHON is not set: run `make test`");
    until("every record in the table", Duration::from_secs(60), || {
        let output = Command::new(&python).args(["-c", READ_WITH_PYICEBERG]).envs(instance.env()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["rows"], found["distinct"], "a record is in the table twice");
        let rows = found["rows"].as_i64().unwrap();
        (rows >= expected).then_some(rows)
    })
}

/// Waits until the account of all records is balanced, and gives the number of the topic's.
fn account(instance: &Instance) -> i64 {
    let streaming = instance.api("GithubStreamingHttpApi");
    until("a balanced account", Duration::from_secs(60), || {
        let info = get(&format!("{streaming}/table/info"));
        let account = &info["reconciliation"];
        assert_eq!((&account["failed"], &account["dead_letters"]), (&0.into(), &0.into()), "{info:#}");
        (account["balanced"] == true && info["staged"]["records"] == 0)
            .then(|| account["topic_records"].as_i64().unwrap())
    })
}

/// One large page of the query holds no event twice.
fn assert_each_event_once(query: &str) {
    let page = get(&format!("{query}/events?hours_back=24&page_size=1000"));
    let events = page["events"].as_array().unwrap();
    let positions: BTreeSet<String> = events.iter().map(|event| event["kafka"].to_string()).collect();
    assert_eq!(positions.len(), events.len());
}

#[test]
fn a_second_up_in_the_same_folder_is_refused_and_a_missing_template_is_named() {
    let instance = Instance::new();
    let output = instance.millrace(&["up", "--template", "nowhere.yaml"]);
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("nowhere.yaml"), "{message}");
    let output = instance.millrace(&["status"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing runs in"), "{output:?}");
    let output = instance.millrace(&["up", "nosuchsystem", "--ports", "free"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("nosuchsystem") && message.contains("github"), "{message}");
    assert!(root().join("template.yaml").is_file());
}
