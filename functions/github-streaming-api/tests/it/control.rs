//! Start, stop and settings, over the mapping in Lambda.

use serde_json::json;

use crate::support::{World, in_world};

#[test]
fn start_and_stop_are_the_state_of_the_mapping_and_the_same_again_changes_nothing() {
    in_world(|world| async move {
        assert_eq!(world.get("/status").await["status"], "running");
        assert_eq!(world.post("/start", None).await["trigger"]["state"], "Enabled");
        assert_eq!(world.lambda.updates().len(), 0);
        for _ in 0..2 {
            let stopping = world.post("/stop", None).await;
            assert_eq!((&stopping["status"], &stopping["trigger"]["state"]), (&json!("changing"), &json!("Disabling")));
        }
        assert_eq!(world.lambda.updates(), [json!({"Enabled": false})]);
        world.lambda.settle("Disabled");
        let status = world.get("/status").await;
        assert_eq!((&status["status"], &status["trigger"]["state_reason"]), (&json!("stopped"), &json!("User action")));
        assert_eq!(world.post("/start", None).await["status"], "changing");
        world.lambda.settle("Enabled");
        assert_eq!(world.get("/status").await["status"], "running");
    });
}

#[test]
fn a_change_waits_for_the_end_of_the_one_before() {
    in_world(|world| async move {
        world.post("/stop", None).await;
        world.lambda.refuse_next(2);
        assert_eq!(world.post("/start", None).await["trigger"]["state"], "Enabling");
        world.lambda.refuse_next(usize::MAX);
        let (status, problem) = world.send("POST", "/stop", None).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("Enabling"), "{problem}");
    });
}

#[test]
fn settings_are_those_in_force_and_change_one_by_one() {
    in_world(|world| async move {
        let config = world.get("/config").await;
        assert_eq!(
            config,
            json!({"trigger_interval": "0 seconds", "trigger_interval_seconds": 0, "max_events_per_batch": 10_000})
        );
        let both = json!({"trigger_interval": "15 seconds", "max_events_per_batch": 2000});
        for _ in 0..2 {
            let config = world.post("/config", Some(both.clone())).await;
            assert_eq!(
                (&config["trigger_interval"], &config["max_events_per_batch"]),
                (&json!("15 seconds"), &json!(2000))
            );
        }
        assert_eq!(world.lambda.updates(), [json!({"BatchSize": 2000, "MaximumBatchingWindowInSeconds": 15})]);
        let one = world.post("/config", Some(json!({"trigger_interval": "1 minute"}))).await;
        assert_eq!((&one["trigger_interval"], &one["max_events_per_batch"]), (&json!("60 seconds"), &json!(2000)));
        assert_eq!(world.post("/config", Some(json!({}))).await, world.get("/config").await);
        for (body, field) in [
            (r#"{"trigger_interval":"soon"}"#, "trigger_interval"),
            (r#"{"max_events_per_batch":0}"#, "max_events_per_batch"),
            (r#"{"x":0}"#, "x"),
            ("[]", "body"),
            ("", "body"),
        ] {
            let (status, problem) = world.send("POST", "/config", Some(body.into())).await;
            assert_eq!((status, &problem["parameter"]), (400, &json!(field)), "{body}");
        }
        assert_eq!(world.lambda.updates().len(), 2);
    });
}

#[test]
fn the_status_tells_the_lag_of_each_partition() {
    in_world(|world| async move {
        world.produce(0, &["1", "2", "3"]).await;
        world.produce(1, &["4"]).await;
        world.write(0, 0..2).await;
        let status = world.get("/status").await;
        assert_eq!(status["lag"], 2);
        let partition = &status["partitions"][0];
        assert_eq!(*partition, json!({"partition": 0, "committed_offset": 2, "end_offset": 3, "lag": 1}), "{status}");
        assert_eq!(status["partitions"][1]["committed_offset"], json!(null));
        world.delete_topic().await;
        assert_eq!(world.get("/status").await["lag"], json!(null));
    });
}

#[test]
fn the_counters_are_those_of_the_account() {
    in_world(|world: World| async move {
        world.produce(0, &["1", "2", "2", "no number"]).await;
        world.produce(1, &["5"]).await;
        world.write(0, 0..3).await;
        world.commit().await;
        world.write(0, 3..4).await;
        world.write(1, 0..1).await;
        world.produce(0, &["6"]).await;
        let stats = world.get("/stats").await;
        let names = ["events", "batches", "duplicates", "failures", "lag"];
        assert_eq!(names.map(|name| stats[name].as_i64().unwrap()), [3, 3, 1, 0, 1], "{stats}");
        assert_eq!(
            (&stats["dead_letters"]["total"], &stats["dead_letters"]["by_rule"]["number"]),
            (&json!(1), &json!(1))
        );
        assert!(stats["last_staged_at"].is_string());
        let snapshot = &world.get("/table/info").await["snapshot"];
        assert_eq!((&snapshot["first_day"], &snapshot["last_day"]), (&json!("2024-10-04"), &json!("2024-10-04")));
    });
}

#[test]
fn lambda_away_or_without_the_mapping_is_told() {
    in_world(|world| async move {
        let calls = [("GET", "/status"), ("GET", "/config"), ("GET", "/health"), ("POST", "/start"), ("POST", "/stop")];
        world.lambda.leave(true);
        for (method, path) in calls {
            let (status, problem) = world.send(method, path, None).await;
            assert_eq!(status, 503, "{path}: {problem}");
            assert!(problem["detail"].as_str().unwrap().starts_with("Lambda"), "{problem}");
        }
        world.get("/table/info").await;
        world.lambda.leave(false);
        world.lambda.read_another_topic();
        for (method, path) in calls {
            assert_eq!(world.send(method, path, None).await.0, 503, "{path}");
        }
        assert_eq!(world.lambda.updates().len(), 0);
    });
}

#[test]
fn start_and_stop_do_without_kafka_and_all_that_tells_of_the_topic_does_not() {
    in_world(|world| async move {
        let world = world.without_kafka().await;
        let stopped = world.post("/stop", None).await;
        assert_eq!((&stopped["trigger"]["state"], &stopped["lag"]), (&json!("Disabling"), &json!(null)));
        assert_eq!(world.post("/config", Some(json!({"max_events_per_batch": 7}))).await["max_events_per_batch"], 7);
        let (status, problem) = world.send("GET", "/status", None).await;
        assert_eq!(status, 503, "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with("Kafka"), "{problem}");
    });
}
