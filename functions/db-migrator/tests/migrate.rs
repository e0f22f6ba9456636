//! The migrator against real Postgres servers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking, its helpers too")]

use std::{collections::BTreeMap, time::Duration};

use db_migrator::{Applied, Deps, Request, handle};
use domain::posts::ShardMap;
use kit::{Invocation, Secret};
use pg::testing::{self, TestDatabase};
use sqlx::PgPool;
use sqlx::migrate::Migrator;

fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap()
}

/// What `millrace` sends, sent again changes nothing.
async fn migrate(deps: &Deps) -> anyhow::Result<db_migrator::Summary> {
    let event: Request = serde_json::from_str(include_str!("../../../events/db-migrator/migrate.json")).unwrap();
    handle(deps, event, &Invocation::for_test(Duration::from_secs(30))).await
}

/// A database without a table on each shard's server.
async fn empty_shards() -> Vec<TestDatabase> {
    let nothing = Migrator { migrations: std::borrow::Cow::Borrowed(&[]), ..Migrator::DEFAULT };
    let mut shards = Vec::new();
    for number in 1..=3 {
        shards.push(testing::database_of(&format!("POSTGRES_SHARD_{number}_URL"), &nothing).await);
    }
    shards
}

fn configured(shards: &[TestDatabase]) -> BTreeMap<String, pg::Config> {
    let configs = shards.iter().map(|shard| pg::Config::new(Secret::new(&shard.url)));
    (1..).zip(configs).map(|(number, config)| (format!("shard-{number}"), config)).collect()
}

async fn map(master: &PgPool) -> Vec<(i32, String, i64)> {
    let query =
        "select partition, shard_name, epoch from posts_shard_map join shard_metadata on id = shard_id order by 1";
    sqlx::query_as(query).fetch_all(master).await.unwrap()
}

#[tokio::test]
async fn the_sample_event_twice_changes_nothing_the_second_time() {
    let db = testing::database().await;
    let deps = Deps::new(db.pool.clone(), BTreeMap::new());
    for _ in 0..2 {
        let summary = migrate(&deps).await.unwrap();
        let expected = Applied { applied: 0, version: newest(&pg::migrations::METADATA) };
        assert_eq!(summary.master, expected, "testing::database has applied all");
    }
    assert_eq!(map(&db.pool).await, [], "without shards there is no map");
    db.drop_database().await;
}

#[tokio::test]
async fn a_migration_that_fails_half_way_leaves_nothing_and_the_next_run_mends_it() {
    let db = testing::database().await;
    // The database as it was before the newest migration, with something in the way of the whole of it.
    sqlx::query("drop table leases").execute(&db.pool).await.unwrap();
    sqlx::query("delete from _sqlx_migrations where version = 1").execute(&db.pool).await.unwrap();
    sqlx::query("create view leases as select 1 as in_the_way").execute(&db.pool).await.unwrap();
    let deps = Deps::new(db.pool.clone(), BTreeMap::new());
    let error = migrate(&deps).await.unwrap_err();
    assert!(format!("{error:#}").contains("leases"), "{error:#}");
    sqlx::query("drop view leases").execute(&db.pool).await.unwrap();
    assert_eq!(migrate(&deps).await.unwrap().master.applied, 1);
    db.drop_database().await;
}

#[tokio::test]
async fn empty_shards_get_their_tables_and_an_even_map_once() {
    let (db, shards) = (testing::database().await, empty_shards().await);
    let deps = Deps::new(db.pool.clone(), configured(&shards));
    let all = pg::migrations::POSTS_SHARD.iter().count();
    for applied in [all, 0] {
        let summary = migrate(&deps).await.unwrap();
        let expected = Applied { applied, version: newest(&pg::migrations::POSTS_SHARD) };
        assert!(summary.shards.len() == 3 && summary.shards.values().all(|shard| *shard == expected), "{summary:?}");
    }
    let found = map(&db.pool).await;
    let first = ShardMap::first(&[1, 2, 3]).unwrap();
    let expected: Vec<(i32, String, i64)> =
        first.iter().map(|(partition, at)| (partition.number(), format!("shard-{}", at.shard), at.epoch)).collect();
    assert_eq!(found, expected);
    for database in shards.into_iter().chain([db]) {
        database.drop_database().await;
    }
}

#[tokio::test]
async fn what_is_in_a_shard_and_in_the_map_stays_when_a_shard_moves() {
    let (db, shards) = (testing::database().await, empty_shards().await);
    migrate(&Deps::new(db.pool.clone(), configured(&shards))).await.unwrap();
    sqlx::query("update posts_shard_map set shard_id = 3, epoch = 2 where partition = 0")
        .execute(&db.pool)
        .await
        .unwrap();
    sqlx::query("insert into posts (user_id, content, partition) values ('john', 'Hello World!', 0)")
        .execute(&shards[0].pool)
        .await
        .unwrap();
    let before = map(&db.pool).await;

    let mut moved = configured(&shards);
    let elsewhere = testing::shard(2).await;
    moved.insert("shard-2".into(), pg::Config::new(Secret::new(&elsewhere.url)));
    moved.insert("shard-4".into(), pg::Config::new(Secret::new(&shards[1].url)));
    migrate(&Deps::new(db.pool.clone(), moved)).await.unwrap();
    assert_eq!(map(&db.pool).await, before, "a shard that came later waits for a move");
    let names: Vec<(i32, String, String)> =
        sqlx::query_as("select id, shard_name, database_name from shard_metadata order by id")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    let name = |database: &TestDatabase| database.url.rsplit('/').next().unwrap().to_owned();
    let expected = [&shards[0], &elsewhere, &shards[2], &shards[1]];
    let expected: Vec<_> =
        (1..).zip(expected).map(|(id, database)| (id, format!("shard-{id}"), name(database))).collect();
    assert_eq!(names, expected);
    let posts: i64 = sqlx::query_scalar("select count(*) from posts").fetch_one(&shards[0].pool).await.unwrap();
    assert_eq!(posts, 1);
    for database in shards.into_iter().chain([db, elsewhere]) {
        database.drop_database().await;
    }
}

#[tokio::test]
async fn a_shard_that_was_added_while_functions_ran_is_brought_up_to_date_too() {
    let (db, shards) = (testing::database().await, empty_shards().await);
    let mut two = configured(&shards);
    two.remove("shard-3");
    let deps = Deps::new(db.pool.clone(), two);
    migrate(&deps).await.unwrap();
    let place = pg::Config::new(Secret::new(&shards[2].url)).place().unwrap();
    let insert = "insert into shard_metadata (shard_name, host, port, database_name) values ('added', $1, $2, $3)";
    let insert = sqlx::query(insert).bind(place.host).bind(i32::from(place.port)).bind(place.database);
    insert.execute(&db.pool).await.unwrap();
    let before = map(&db.pool).await;
    assert_eq!(migrate(&deps).await.unwrap().shards["added"].version, newest(&pg::migrations::POSTS_SHARD));
    let posts: i64 = sqlx::query_scalar("select count(*) from posts").fetch_one(&shards[2].pool).await.unwrap();
    assert_eq!((posts, map(&db.pool).await), (0, before), "and gets no partitions by that");
    for database in shards.into_iter().chain([db]) {
        database.drop_database().await;
    }
}

#[tokio::test]
async fn a_shard_that_is_away_fails_the_run_and_the_others_are_up_to_date() {
    let (db, shards) = (testing::database().await, empty_shards().await);
    let mut with_one_away = configured(&shards);
    let nobody = pg::Config {
        acquire_timeout: Duration::from_millis(300),
        ..pg::Config::new(Secret::new("postgres://postgres@127.0.0.1:1/none"))
    };
    with_one_away.insert("shard-1".into(), nobody);
    let error = migrate(&Deps::new(db.pool.clone(), with_one_away)).await.unwrap_err();
    assert!(format!("{error:#}").contains("shard-1"), "{error:#}");
    let posts: i64 = sqlx::query_scalar("select count(*) from posts").fetch_one(&shards[2].pool).await.unwrap();
    assert_eq!((posts, map(&db.pool).await), (0, Vec::new()), "no map before all can take their part");
    migrate(&Deps::new(db.pool.clone(), configured(&shards))).await.unwrap();
    assert_eq!(map(&db.pool).await.len(), 48);
    for database in shards.into_iter().chain([db]) {
        database.drop_database().await;
    }
}
