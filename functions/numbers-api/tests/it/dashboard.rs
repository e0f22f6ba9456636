//! Each query of Grafana's dashboard, against the tables that the migrations make.

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use sqlx::{Column, Row};

use crate::world::World;

/// The query as Grafana sends it.
fn expanded(query: &str) -> String {
    let mut text = query.to_owned();
    while let Some((before, after)) = text.split_once("$__timeFilter(") {
        let (column, after) = after.split_once(')').unwrap();
        text = format!("{before}{column} between now() - interval '15 minutes' and now(){after}");
    }
    assert!(!text.contains("$_"), "a macro that this test does not know: {text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn each_panel_has_a_query_that_finds_what_it_shows() {
    let board: Value = serde_json::from_str(include_str!("../../../../localstack/grafana/numbers.json")).unwrap();
    let source = include_str!("../../../../localstack/grafana/provisioning/datasources/postgres.yaml");
    let world = World::new().await;
    for at in 0..5 {
        let stages = if at == 0 { 3 } else { 5 };
        let submitted = Utc::now() - TimeDelta::seconds(30);
        let id = world.passed("{\"numbers\":[6]}", None, submitted, at, stages).await;
        let path = format!("/messages/{id}/replay?from=stage1");
        assert_eq!(world.post(&path, None, "").await.0, 202);
    }
    let panels = board["panels"].as_array().unwrap();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().unwrap() {
            let uid = target["datasource"]["uid"].as_str().unwrap();
            assert!(source.contains(&format!("uid: {uid}\n")), "{title}: the data source is not provisioned");
            let query = expanded(target["rawSql"].as_str().unwrap());
            let rows = sqlx::query(&query).fetch_all(&world.database.pool).await;
            let rows = rows.unwrap_or_else(|error| panic!("{title}: {error}"));
            let row = rows.first().unwrap_or_else(|| panic!("{title}: finds nothing"));
            let columns: Vec<&str> = row.columns().iter().map(Column::name).collect();
            if target["format"] == "time_series" {
                assert_eq!(columns[0], "time", "{title}");
            }
            if title == "Backlog in messages" {
                let found: (String, i64) = (row.get("metric"), row.get("value"));
                assert_eq!((rows.len(), found), (1, ("stage4".to_owned(), 1)));
            }
        }
    }
    let ids: std::collections::BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!((ids.len(), panels.len()), (9, 9), "ids are the panels' own");
    world.end().await;
}
