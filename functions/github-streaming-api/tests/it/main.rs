//! The API beside a writer and a committer, against real Kafka (`KAFKA_BOOTSTRAP_SERVERS`), Postgres (`DATABASE_URL`) and
//! S3 (`AWS_ENDPOINT_URL`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod control;
mod lambda;
mod support;

use serde_json::{Value as Json, json};
use support::{World, in_world};

/// `topic_records, rows, staged, duplicates, dead_letters, failed, balanced`, and the lag.
fn account(info: &Json) -> (Vec<i64>, bool, i64) {
    let account = &info["reconciliation"];
    let names = ["topic_records", "rows", "staged", "duplicates", "dead_letters", "failed"];
    let counts = names.iter().map(|name| account[name].as_i64().unwrap()).collect();
    (counts, account["balanced"].as_bool().unwrap(), info["lag"].as_i64().unwrap())
}

async fn assert_account(world: &World, counts: [i64; 6], balanced: bool, lag: i64) {
    let info = world.get("/table/info").await;
    assert_eq!(account(&info), (counts.to_vec(), balanced, lag), "{info:#}");
}

#[test]
fn good_bad_repeated_and_failed_records_are_all_accounted_for() {
    in_world(|world| async move {
        assert_account(&world, [0, 0, 0, 0, 0, 0], true, 0).await;
        world.produce(0, &["1", "2", "3"]).await;
        world.produce(1, &["10"]).await;
        assert_account(&world, [4, 0, 0, 0, 0, 0], false, 4).await;
        world.write(0, 0..3).await;
        world.write(1, 0..1).await;
        assert_account(&world, [4, 0, 4, 0, 0, 0], true, 0).await;
        world.commit().await;
        assert_account(&world, [4, 4, 0, 0, 0, 0], true, 0).await;

        // Repeated, bad by two rules, repeated within the batch.
        world.produce(0, &["2", "no number", "4", "", "4", "5"]).await;
        assert_account(&world, [10, 4, 0, 0, 0, 0], false, 6).await;
        world.write(0, 3..9).await;
        assert_account(&world, [10, 4, 2, 2, 2, 0], true, 0).await;
        world.commit().await;
        assert_account(&world, [10, 6, 0, 2, 2, 0], true, 0).await;

        // A batch that the trigger gave up: the group passes it, nobody stages it.
        world.produce(0, &["6", "7"]).await;
        world.pass(0, 11).await;
        assert_account(&world, [12, 6, 0, 2, 2, 2], true, 0).await;
        // One given up in a partition of which nothing was ever staged.
        world.produce(2, &["20", "21"]).await;
        world.pass(2, 1).await;
        assert_account(&world, [14, 6, 0, 2, 2, 3], false, 1).await;
        world.pass(2, 2).await;
        assert_account(&world, [14, 6, 0, 2, 2, 4], true, 0).await;
        // What comes next shows the failed ones as a gap; they are not counted twice.
        world.produce(0, &["8"]).await;
        world.write(0, 11..12).await;
        assert_account(&world, [15, 6, 1, 2, 2, 4], true, 0).await;
    });
}

#[test]
fn the_answer_shows_commits_partitions_rules_and_the_window() {
    in_world(|world| async move {
        world.produce(0, &["1", "2", "2", "no number"]).await;
        world.write(0, 0..4).await;
        world.commit().await;
        world.produce(0, &["3"]).await;
        world.write(0, 4..5).await;
        let info = world.get("/table/info").await;
        assert_eq!(info["table"], "test.rows");
        let snapshot = &info["snapshot"];
        assert_eq!((&snapshot["files"], &snapshot["records"]), (&json!(1), &json!(2)));
        assert!(snapshot["id"].is_i64() && snapshot["bytes"].as_i64() > Some(0));
        assert!((0..60).contains(&snapshot["age_seconds"].as_i64().unwrap()));
        assert_eq!((&info["staged"]["segments"], &info["staged"]["records"]), (&json!(1), &json!(1)));
        let partition = &info["partitions"][0];
        assert_eq!(
            [&partition["first_offset"], &partition["committed_offset"], &partition["staged_offset"]],
            [&json!(0), &json!(4), &json!(5)]
        );
        assert_eq!(
            (&partition["end_offset"], &partition["lag"], &partition["live"]),
            (&json!(5), &json!(0), &json!(true))
        );
        assert_eq!(info["partitions"].as_array().unwrap().len(), 3, "those without records too");
        assert_eq!((&info["rules"]["number"], &info["rules"]["size"]), (&json!(1), &json!(0)));
        let window = &info["repeats"]["partitions"][0];
        assert_eq!((&info["repeats"]["hours"], &info["repeats"]["ids"]), (&json!(24), &json!(20_000_000)));
        assert_eq!(window["ids"], 3);
        assert!(window["oldest_at"].as_str() <= window["newest_at"].as_str());
        world.lake.execute("update lake_repeats set staged_at = now() - interval '25 hours' where sequence = 1").await;
        assert_eq!(world.get("/table/info").await["repeats"]["partitions"][0]["ids"], 1);
    });
}

#[test]
fn a_topic_that_was_made_again_stays_in_the_account() {
    in_world(|world| async move {
        world.produce(0, &["1", "2"]).await;
        world.write(0, 0..2).await;
        world.make_topic_again().await;
        world.produce(0, &["3", "1"]).await;
        assert_account(&world, [4, 0, 2, 0, 0, 0], false, 2).await;
        world.write(0, 0..2).await;
        assert_account(&world, [4, 0, 3, 1, 0, 0], true, 0).await;
        world.delete_topic().await;
        assert_account(&world, [4, 0, 3, 1, 0, 0], true, 0).await;
    });
}

#[test]
fn faults_of_a_request_are_named() {
    in_world(|world| async move {
        for (path, parameter) in
            [("/table/info?verbose=1", "verbose"), ("/health?x=1", "x"), ("/stats?x=1", "x"), ("/status?a", "a")]
        {
            let (status, problem) = world.request("GET", path).await;
            assert_eq!((status, &problem["parameter"]), (400, &parameter.into()), "{path}");
        }
        for path in ["/", "/table", "/table/info/x", "/nowhere"] {
            assert_eq!(world.request("GET", path).await.0, 404, "{path}");
        }
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            assert_eq!(world.request(method, "/table/info").await.0, 405, "{method}");
        }
    });
}

#[test]
fn health_says_whether_all_that_is_needed_answers() {
    in_world(|world| async move {
        let health = world.get("/health").await;
        assert_eq!(
            (&health["status"], &health["topic"], &health["committed"]),
            (&json!("healthy"), &json!(true), &json!(false))
        );
        for path in ["/health", "/table/info"] {
            let (status, problem) = world.without_postgres().await.request("GET", path).await;
            assert_eq!(status, 503, "{problem}");
            assert!(problem["detail"].as_str().unwrap().starts_with("Postgres"), "{problem}");
        }
    });
}
