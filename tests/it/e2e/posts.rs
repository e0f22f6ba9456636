//! Posts over three shards under load, while a shard is killed and partitions move: every write that was acknowledged is
//! readable afterwards.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    http::{get, post},
    instance::{Instance, until},
    kills::kill,
};

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn every_acknowledged_write_is_readable_whatever_happens_to_a_shard() {
    let instance = Instance::new();
    instance.up();
    let shards = instance.api("PostsShardsHttpApi");
    let load = load(&instance);
    until("writes in all shards", LIMIT, || {
        let stats = get(&format!("{shards}/stats"));
        let stored = stats["shards"].as_array()?;
        (stored.len() == 3 && stored.iter().all(|shard| shard["writes"].as_i64() > Some(0))).then_some(())
    });

    // The whole group: the service's script has the server below it. The runner starts it again.
    kill(&format!("-{}", instance.service("postgres-shard-2")));
    let asked = post(&format!("{shards}/moves"), Some(r#"{"partitions": [0, 1, 47], "to": "shard-2"}"#));
    until("partitions at their new shard", LIMIT, || {
        let moves = get(&format!("{shards}/moves"));
        let steps: Vec<&str> = moves["moves"].as_array()?.iter().filter_map(|one| one["step"].as_str()).collect();
        assert!(!steps.contains(&"failed"), "asked {asked}, got {moves}");
        (steps.len() == 3 && steps.iter().all(|step| *step == "done")).then_some(())
    });

    let output = load.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    assert!(output.status.success(), "{report:#}");
    assert_eq!((&report["errors"], &report["verified"]["missing"]), (&json!({}), &json!([])), "{report:#}");
    assert!(report["verified"]["posts"].as_u64() > Some(100), "{report:#}");
    let status = get(&format!("{shards}/status"));
    assert!(status["epoch"].as_i64() > Some(1), "{status:#}");
}

/// The load of `make load`, beside whatever happens.
fn load(instance: &Instance) -> Child {
    let program = instance.program().parent().map(Path::to_path_buf).unwrap().join("millrace-load");
    Command::new(program)
        .args(["--rate", "40", "--users", "20", "--seconds", "20", "--patience", "120", "--json"])
        .args(["--ingest", &instance.api("PostsIngestHttpApi"), "--query", &instance.api("PostsQueryHttpApi")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
