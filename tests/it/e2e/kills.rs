//! All that runs is killed once, with signal 9; then the topic and the table are compared, by two other engines.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::instance::{Instance, until};

/// Compares the table with the topic's records on its standard input.
const COMPARE: &str = include_str!("compare.py");

/// Asks the lake for its own account.
const TABLE_INFO: &str = "events/github-streaming-api/table-info.json";

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn whatever_is_killed_other_engines_find_each_event_once_with_its_values() {
    let instance = Instance::new();
    instance.up();
    until("events in the topic", LIMIT, || (instance.records_and_lag().0 > 20).then_some(()));
    produce_what_is_no_new_event(&instance);
    until("a first commit, so that the table has several", LIMIT, || {
        (!table_info(&instance)["snapshot"].is_null()).then_some(())
    });

    for function in ["github-lake-writer", "lake-committer"] {
        until(function, LIMIT, || kill_child(instance.runner(), function).then_some(()));
    }
    for service in ["ministack", "postgres-master", "kafka"] {
        // The whole group: a service's script may have a server below it.
        kill(&format!("-{}", instance.service(service)));
        until("a broker that answers", LIMIT, || instance.millrace(&["lag"]).status.success().then_some(()));
    }
    kill(&instance.runner().to_string());
    instance.up();

    assert!(instance.millrace(&["stop", "github-simulator"]).status.success());
    // What the poller had fetched may still come: the topic's records are counted before each comparison.
    let (records, found) = until("every event in the table", LIMIT, || {
        let (records, lag) = instance.records_and_lag();
        assert!(instance.millrace(&["fire", "lake-committer"]).status.success());
        let found = compare(&instance);
        let all = sum(&found, &["rows", "repeats", "bad"]) == records;
        (lag == 0 && all && found["rows"].as_i64() >= found["wanted"].as_i64()).then_some((records, found))
    });
    assert_eq!(found["faults"], Value::Array(Vec::new()), "{found}");
    assert_eq!((&found["rows"], &found["rows"]), (&found["wanted"], &found["ids"]), "{found}");
    let count = |name: &str| found[name].as_i64().unwrap();
    let info = table_info(&instance);
    let own = &info["reconciliation"];
    assert_eq!((&own["balanced"], &own["topic_records"]), (&Value::Bool(true), &Value::from(records)), "{info}");
    let counts = ["rows", "duplicates", "dead_letters", "failed"].map(|name| own[name].as_i64().unwrap());
    assert_eq!(counts, [count("rows"), count("repeats"), count("bad"), 0], "{info}");
    // The poller may repeat itself when it is killed, so there may be more.
    assert!(count("repeats") >= 1 && count("bad") == 2 && count("snapshots") > 1, "{found}");
}

fn table_info(instance: &Instance) -> Value {
    let answer = instance.json(&["invoke", "github-streaming-api", "--event", TABLE_INFO]);
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

/// Two records that break a rule, and one event once more.
fn produce_what_is_no_new_event(instance: &Instance) {
    produce(instance, "nobody/nothing", "not JSON\n{\"id\": \"1\"}\n");
    let first = instance.millrace(&["topic", "consume", "github-events", "--from-beginning", "-n", "1", "--json"]);
    let first: Value = serde_json::from_slice(&first.stdout).unwrap();
    produce(instance, first["key"].as_str().unwrap(), &format!("{}\n", first["value"].as_str().unwrap()));
}

fn produce(instance: &Instance, key: &str, lines: &str) {
    let output = instance.millrace_with(&["topic", "produce", "github-events", "--key", key], lines);
    assert!(output.status.success(), "{output:?}");
}

/// What both engines find.
fn compare(instance: &Instance) -> Value {
    let topic = instance.millrace(&["topic", "consume", "github-events", "--from-beginning", "--until-end", "--json"]);
    assert!(topic.status.success(), "{}", String::from_utf8_lossy(&topic.stderr));
    let python = std::env::var("MILLRACE_READERS_PYTHON").expect("MILLRACE_READERS_PYTHON is not set: run `make test`");
    let mut reader = Command::new(python)
        .args(["-c", COMPARE])
        .envs(instance.env())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    reader.stdin.take().unwrap().write_all(&topic.stdout).unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sum(found: &Value, names: &[&str]) -> i64 {
    names.iter().filter_map(|name| found[*name].as_i64()).sum()
}

/// Kills a process of this name below another; false when there is none.
fn kill_child(parent: u32, name: &str) -> bool {
    let found = Command::new("pgrep").args(["-P", &parent.to_string(), "-f", name]).output().unwrap();
    let pids = String::from_utf8(found.stdout).unwrap();
    pids.lines().next().is_some_and(|pid| {
        kill(pid);
        true
    })
}

/// A process, or with a minus a group. Without `--`, procps takes `-12345` for `-1`, which is every process there is.
pub(super) fn kill(pid: &str) {
    assert!(Command::new("kill").args(["-9", "--", pid]).status().unwrap().success(), "kill {pid}");
}
