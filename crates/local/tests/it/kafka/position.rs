//! Where a group begins, and that it goes on where it was.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{
    source::{Source, delivered},
    topic::{Rec, rec},
};

pub(crate) async fn trim_horizon_begins_with_the_oldest_record() {
    let source = Source::new(1, "StartingPosition: TRIM_HORIZON", "").await;
    source.topic.produce(&[rec(0, "before")]).await;
    source.enable().await;
    source.topic.produce(&[rec(0, "after")]).await;
    source.until_committed(&[2]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), ["before", "after"]);
}

pub(crate) async fn latest_begins_with_the_first_record_after_it_was_enabled() {
    let source = Source::new(2, "StartingPosition: LATEST", "").await;
    source.topic.produce(&[rec(0, "before"), rec(1, "before")]).await;
    source.enable().await;
    // Not even a record that comes before the pollers have joined is missed: the position is pinned.
    source.topic.produce(&[rec(0, "after")]).await;
    source.until_committed(&[2, 1]).await;
    source.mapping.disable().await;
    assert_eq!((source.delivered(0), source.delivered(1)), (vec!["after".to_owned()], vec![]));
}

pub(crate) async fn at_timestamp_begins_with_the_first_record_at_or_after_it() {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let properties = format!("StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: {}", now - 60);
    let source = Source::new(3, &properties, "").await;
    let at = |partition, value: &str, s: i64| Rec { timestamp_ms: Some(s * 1000), ..rec(partition, value) };
    source.topic.produce(&[at(0, "old", now - 61), at(0, "exact", now - 60), at(0, "young", now)]).await;
    // Nothing of partition 1 is young enough, so it begins at its end; partition 2 is empty.
    source.topic.produce(&[at(1, "old", now - 100)]).await;
    source.enable().await;
    source.topic.produce(&[at(1, "new", now), at(2, "new", now)]).await;
    source.until_committed(&[3, 2, 1]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), ["exact", "young"]);
    assert_eq!((source.delivered(1), source.delivered(2)), (vec!["new".to_owned()], vec!["new".to_owned()]));
}

pub(crate) async fn a_group_with_offsets_ignores_the_starting_position() {
    let source = Source::new(1, "StartingPosition: TRIM_HORIZON", "").await;
    source.topic.produce(&[rec(0, "a")]).await;
    source.enable().await;
    source.until_committed(&[1]).await;
    source.mapping.disable().await;
    source.topic.produce(&[rec(0, "b")]).await;
    let (app, mapping) = source.remapped("StartingPosition: LATEST", "");
    mapping.enable().await.unwrap();
    source.until_committed(&[2]).await;
    mapping.disable().await;
    assert_eq!(delivered(&app, 0), ["b"], "LATEST would have skipped it");
    source.topic.produce(&[rec(0, "c")]).await;
    let (app, mapping) = source.remapped("StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: 1", "");
    mapping.enable().await.unwrap();
    source.until_committed(&[3]).await;
    mapping.disable().await;
    assert_eq!(delivered(&app, 0), ["c"], "AT_TIMESTAMP would have read all again");
}

pub(crate) async fn disabling_and_enabling_loses_and_doubles_nothing() {
    let source = Source::new(2, "BatchSize: 7", "").await;
    let mut next = 0;
    for _ in 0..3 {
        source.enable().await;
        source.topic.produce(&(next..next + 40).map(|n| rec(n % 2, n)).collect::<Vec<_>>()).await;
        next += 40;
        // In the midst of it, wherever it is.
        source.app.recorded(1).await;
        source.mapping.disable().await;
    }
    source.enable().await;
    source.until_committed(&[60, 60]).await;
    source.mapping.disable().await;
    for partition in 0..2 {
        let expected: Vec<String> = (0..next).filter(|n| n % 2 == partition).map(|n| n.to_string()).collect();
        assert_eq!(source.delivered(partition), expected);
    }
}

pub(crate) async fn a_missing_topic_is_an_error_that_names_mapping_and_topic() {
    let source = Source::new(1, "BatchSize: 1", "").await;
    kafka::admin::delete_topic(&source.topic.kafka, &source.topic.name).await.unwrap();
    let error = crate::support::until("the topic's end", async || source.mapping.enable().await.err()).await;
    let error = format!("{error:#}");
    assert!(error.contains("FRecords") && error.contains(&source.topic.name), "{error}");
    assert_eq!(source.mapping.state().0, millrace::mapping::MappingState::Disabled);
}
