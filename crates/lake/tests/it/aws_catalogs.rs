//! The table in Glue and in S3 Tables, as far as the emulator at `AWS_ENDPOINT_URL` goes. Of Glue it checks the version that
//! a commit follows, as AWS does; of S3 Tables it does not, so nothing here races for such a table. No test here has seen
//! AWS itself.

use std::process::Command;

use lake::testing::{LIMITS, SCHEMA, World, in_world_with};
use lake::{CatalogConfig, CatalogKind, Commit, crash};
use uuid::Uuid;

use crate::concurrent::everything_at_once;

fn in_glue_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let namespace = format!("test_{}", Uuid::new_v4().simple());
    in_world_with(&namespace, "rows", &SCHEMA, |_| CatalogConfig::Glue { id: None }, test);
}

/// With a table bucket of its own.
fn in_s3_tables_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let name = format!("test-{}", Uuid::new_v4().simple());
    let table_bucket_arn = table_bucket(&name);
    in_world_with("test", "rows", &SCHEMA, |_| CatalogConfig::S3Tables { table_bucket_arn }, test);
}

/// Makes a table bucket as an operator would; its ARN.
fn table_bucket(name: &str) -> String {
    let tools = std::env::var("MILLRACE_TOOLS_BIN").expect("MILLRACE_TOOLS_BIN is not set: run `make test`");
    let output = Command::new(format!("{tools}/aws"))
        .args(["s3tables", "create-table-bucket", "--name", name, "--query", "arn", "--output", "text"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn commits_and_is_read(world: World, kind: CatalogKind) {
    world.stage(0..10).await;
    let committer = world.committer().await;
    assert_eq!(committer.catalog_kind(), kind);
    assert_eq!(world.commit(&committer).await, 10);
    world.stage(10..20).await;
    assert_eq!(world.commit(&world.committer().await).await, 10);
    world.stage(20..25).await;
    world.assert_offsets(0..25).await;
    assert_eq!(world.committed_ids().await.len(), 20);
}

async fn survives_a_committer_that_dies(world: World) {
    let mut end = 0;
    for point in ["commit.files-written", "commit.committed", "commit.marked"] {
        world.stage(end..end + 10).await;
        end += 10;
        let committer = world.committer().await;
        assert!(crash::at(point, world.commit(&committer)).await.is_none(), "{point} was not reached");
        world.assert_offsets(0..end).await;
    }
    world.commit(&world.committer().await).await;
    world.assert_offsets(0..end).await;
    assert_eq!(world.committed_ids().await.len() as i64, end);
}

async fn lets_one_of_two_committers_through(world: World) {
    world.stage(0..10).await;
    let (first, second) = (world.committer().await, world.committer().await);
    let (a, b) = (first.plan(&LIMITS).await.unwrap(), second.plan(&LIMITS).await.unwrap());
    let (a, b) = (first.write(a, 1 << 20).await.unwrap(), second.write(b, 1 << 20).await.unwrap());
    let (a, b) = tokio::join!(first.commit(a), second.commit(b));
    let lost = [a.unwrap(), b.unwrap()].iter().filter(|outcome| matches!(outcome, Commit::Lost)).count();
    assert_eq!(lost, 1);
    world.commit(&first).await;
    world.assert_offsets(0..10).await;
    assert_eq!(world.committed_ids().await.len(), 10);
}

#[test]
fn glue_commits_and_is_read() {
    in_glue_world(|world| commits_and_is_read(world, CatalogKind::Glue));
}

#[test]
fn glue_survives_a_committer_that_dies() {
    in_glue_world(survives_a_committer_that_dies);
}

#[test]
fn glue_lets_one_of_two_committers_through() {
    in_glue_world(lets_one_of_two_committers_through);
}

#[test]
fn glue_takes_writers_and_committers_at_once() {
    in_glue_world(|world| everything_at_once(world, 400));
}

#[test]
fn s3_tables_commits_and_is_read() {
    in_s3_tables_world(|world| commits_and_is_read(world, CatalogKind::S3Tables));
}

#[test]
fn s3_tables_survives_a_committer_that_dies() {
    in_s3_tables_world(survives_a_committer_that_dies);
}
