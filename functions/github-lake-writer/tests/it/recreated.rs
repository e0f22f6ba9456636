//! A topic that is deleted and made again, while batches of the old one are in hand.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::{World, in_world};

impl World {
    /// Deletes the topic and makes it again.
    async fn make_again(&self) {
        let identifier = kafka::Identifier::new(&self.kafka).unwrap();
        let old = identifier.identify(&self.topic).await.unwrap();
        kafka::admin::delete_topic(&self.kafka, &self.topic).await.unwrap();
        // The broker deletes a topic a moment after it has said so, and knows of a new one a moment later.
        let deadline = Instant::now() + Duration::from_secs(20);
        while identifier.identify(&self.topic).await.is_ok() {
            assert!(Instant::now() < deadline, "the topic is still there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        kafka::admin::create_topic(&self.kafka, &self.topic, 3, &BTreeMap::new()).await.unwrap();
        while identifier.identify(&self.topic).await.is_ok_and(|new| new == old) {
            assert!(Instant::now() < deadline, "the topic does not come back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asserts that these events of partition 0 are there, `(incarnation, offsets)`, each once and none left out as a
    /// repeat: by the query, and by the table after a commit.
    async fn assert_events(&self, expected: &[(u32, std::ops::Range<i64>)]) {
        let expected = expected.iter().flat_map(|(incarnation, offsets)| {
            offsets.clone().map(move |offset| format!("{incarnation}-0-{offset:06}"))
        });
        let mut expected: Vec<String> = expected.collect();
        expected.sort();
        let mut ids = self.lake.ids().await;
        ids.sort();
        assert_eq!(ids, expected);
        assert_eq!(self.lake.count("select sum(duplicates)::bigint from lake_watermarks").await, 0);
        assert_eq!(self.lake.count("select sum(gap_offsets)::bigint from lake_watermarks").await, 0);
        self.lake.commit(&self.lake.committer().await).await;
        assert_eq!(self.lake.committed_ids().await, expected);
    }

    async fn done(&self, incarnation: u32, offsets: std::ops::Range<i64>) {
        assert!(self.handle(self.batch_of(incarnation, 0, offsets)).await.unwrap().is_complete());
    }

    async fn incarnations(&self) -> i64 {
        self.lake.count("select count(distinct topic_id) from lake_watermarks").await
    }
}

#[test]
fn a_topic_made_again_begins_a_new_epoch() {
    in_world(|world| async move {
        world.done(0, 0..5).await;
        world.make_again().await;
        world.publish(world.batch_of(1, 0, 0..20)).await;
        world.done(1, 0..3).await;
        world.done(1, 3..20).await;
        world.done(1, 0..20).await;
        world.assert_events(&[(0, 0..5), (1, 0..20)]).await;
        assert_eq!(world.incarnations().await, 2);
    });
}

#[test]
fn a_batch_that_was_in_hand_before_anything_new_came_is_the_old_topics() {
    in_world(|world| async move {
        world.done(0, 0..5).await;
        world.make_again().await;
        world.publish(world.batch_of(1, 0, 0..20)).await;
        // Under the new id this would lose the new topic's first ten.
        world.done(0, 5..10).await;
        world.done(1, 0..10).await;
        world.done(0, 3..12).await;
        world.done(1, 8..20).await;
        world.assert_events(&[(0, 0..12), (1, 0..20)]).await;
        assert_eq!(world.incarnations().await, 2);
    });
}

#[test]
fn a_batch_of_the_old_topic_that_continues_the_new_ones_watermark_is_the_old_topics() {
    in_world(|world| async move {
        world.done(0, 0..5).await;
        world.make_again().await;
        world.publish(world.batch_of(1, 0, 0..10)).await;
        world.done(1, 0..5).await;
        // Both watermarks are 5.
        world.done(0, 5..10).await;
        world.done(1, 5..10).await;
        world.done(0, 0..10).await;
        world.assert_events(&[(0, 0..10), (1, 0..10)]).await;
    });
}

#[test]
fn a_batch_of_a_topic_that_nobody_had_heard_of_is_there_once() {
    in_world(|world| async move {
        world.make_again().await;
        world.publish(world.batch_of(1, 0, 0..3)).await;
        world.done(0, 0..7).await;
        world.done(1, 0..3).await;
        world.done(0, 2..9).await;
        world.assert_events(&[(0, 0..9), (1, 0..3)]).await;
        assert_eq!(world.lake.count("select count(*) from lake_watermarks where topic_id like 'before-%'").await, 1);
    });
}

#[test]
fn a_batch_of_a_topic_that_nobody_had_heard_of_comes_after_the_new_ones() {
    in_world(|world| async move {
        world.make_again().await;
        world.publish(world.batch_of(1, 0, 0..9)).await;
        world.done(1, 0..9).await;
        world.done(0, 0..7).await;
        world.done(0, 0..7).await;
        world.assert_events(&[(0, 0..7), (1, 0..9)]).await;
    });
}

#[test]
fn a_batch_with_the_end_of_the_old_topic_and_the_beginning_of_the_new_one_is_divided() {
    in_world(|world| async move {
        world.done(0, 0..5).await;
        world.make_again().await;
        world.publish(world.batch_of(1, 0, 0..20)).await;
        let mut both = world.batch_of(0, 0, 5..10);
        both.records.extend(world.batch_of(1, 0, 0..4).records);
        for _ in 0..2 {
            assert!(world.handle(both.clone()).await.unwrap().is_complete());
        }
        world.done(1, 2..20).await;
        world.assert_events(&[(0, 0..10), (1, 0..20)]).await;
    });
}

#[test]
fn a_batch_whose_offsets_rise_over_a_topics_end_is_divided_too() {
    in_world(|world| async move {
        world.done(0, 0..5).await;
        world.make_again().await;
        world.publish(world.batch_of(1, 0, 0..20)).await;
        let mut both = world.batch_of(0, 0, 5..8);
        both.records.extend(world.batch_of(1, 0, 8..20).records);
        assert!(world.handle(both).await.unwrap().is_complete());
        world.assert_events(&[(0, 0..8), (1, 8..20)]).await;
        assert_eq!(world.incarnations().await, 2);
    });
}

#[test]
fn a_topic_that_is_made_again_twice_keeps_its_three_epochs_apart() {
    in_world(|world| async move {
        world.done(0, 0..5).await;
        world.make_again().await;
        world.publish(world.batch_of(1, 0, 0..10)).await;
        world.done(0, 5..8).await;
        world.done(1, 0..5).await;
        world.make_again().await;
        world.publish(world.batch_of(2, 0, 0..10)).await;
        world.done(1, 4..10).await;
        world.done(2, 0..10).await;
        world.assert_events(&[(0, 0..8), (1, 0..10), (2, 0..10)]).await;
        assert_eq!(world.incarnations().await, 3);
    });
}
