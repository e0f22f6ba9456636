//! Keys that come again: in the table once, whoever writes, crashes or starts anew.

use std::time::Duration;

use lake::testing::{World, in_world, source, time};
use lake::{Lake, Offered, Outcome, RepeatLimits, RowKey, Value, crash};

/// Offers records of partition 0 with these keys from `first` on, as a writer does: again when it was outrun.
async fn offer(lake: &Lake, first: i64, keys: &[&str]) -> anyhow::Result<()> {
    offer_to(lake, "topic", first, keys).await
}

/// The same of this incarnation of the topic.
async fn offer_to(lake: &Lake, topic_id: &str, first: i64, keys: &[&str]) -> anyhow::Result<()> {
    let source = domain::lake::Source { topic_id: topic_id.to_owned(), ..source(0) };
    let offsets = (first..).take(keys.len()).collect();
    let offered = Offered { source, topic: "events".to_owned(), offsets };
    for _ in 0..50 {
        let mut plan = lake.plan(std::slice::from_ref(&offered)).await?;
        let mut segment = lake.segment()?;
        for part in &mut plan.partitions {
            let kept: Vec<(&str, i64)> =
                part.keep.iter().map(|&position| (keys[position], offered.offsets[position])).collect();
            let is_new = lake.admit(part, kept.iter().map(|(key, _)| RowKey::of(key.as_bytes())));
            for ((key, offset), _) in kept.iter().zip(is_new).filter(|(_, is_new)| *is_new) {
                segment.push(&[
                    Value::Text(key),
                    Value::Text("kind"),
                    Value::Timestamp(time(*offset)),
                    Value::Long(*offset),
                    Value::Null,
                ])?;
            }
        }
        let segment = segment.finish()?;
        if plan.partitions.is_empty() || lake.stage(&plan, segment.as_ref()).await? == Outcome::Staged {
            return Ok(());
        }
    }
    anyhow::bail!("outrun 50 times")
}

/// Another process: its memory is empty.
fn another(lake: &Lake) -> Lake {
    lake.clone().with_repeats(RepeatLimits::default())
}

/// Asserts that exactly these keys are to be read, each once, and that each record is accounted for.
async fn assert_keys(world: &World, expected: &[&str], duplicates: i64) {
    let (mut found, mut expected) = (world.ids().await, expected.to_vec());
    found.sort();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(world.count("select sum(duplicates)::bigint from lake_watermarks").await, duplicates);
    let balance = "select sum(next_offset - first_offset - records - duplicates - dead_letters - gap_offsets)::bigint
                     from lake_watermarks";
    assert_eq!(world.count(balance).await, 0);
}

#[test]
fn a_key_twice_in_a_batch_or_in_two_is_in_the_table_once() {
    in_world(|world| async move {
        offer(&world.lake, 0, &["1", "2", "1"]).await.unwrap();
        assert_keys(&world, &["1", "2"], 1).await;
        offer(&world.lake, 3, &["2", "3", "3", "1"]).await.unwrap();
        assert_keys(&world, &["1", "2", "3"], 4).await;
        offer(&world.lake, 7, &["1", "2"]).await.unwrap();
        assert_keys(&world, &["1", "2", "3"], 6).await;
        let row = lake::Reader::new(world.lake.clone()).by_key("1").await.unwrap().unwrap();
        assert_eq!(row.long(3), Some(0), "the first stays");
    });
}

#[test]
fn keys_that_are_no_numbers_are_told_apart() {
    in_world(|world| async move {
        let keys =
            ["7", "07", "+7", " 7", "a-uuid-or-another-long-key-1", "a-uuid-or-another-long-key-2", "0", "", "ä"];
        offer(&world.lake, 0, &keys).await.unwrap();
        assert_keys(&world, &keys, 0).await;
        offer(&another(&world.lake), 9, &keys).await.unwrap();
        assert_keys(&world, &keys, 9).await;
    });
}

#[test]
fn a_process_that_starts_anew_knows_what_was_registered() {
    in_world(|world| async move {
        offer(&world.lake, 0, &["1", "2"]).await.unwrap();
        offer(&world.lake, 2, &["3"]).await.unwrap();
        let next = another(&world.lake);
        offer(&next, 3, &["3", "1", "4"]).await.unwrap();
        // The first process reads what it missed.
        offer(&world.lake, 6, &["4", "5"]).await.unwrap();
        offer(&next, 8, &["5"]).await.unwrap();
        assert_keys(&world, &["1", "2", "3", "4", "5"], 4).await;
    });
}

#[test]
fn what_is_not_registered_is_not_remembered() {
    in_world(|world| async move {
        offer(&world.lake, 0, &["1"]).await.unwrap();
        world.execute("alter table lake_segment_ranges rename to away").await;
        assert!(offer(&world.lake, 1, &["2", "3"]).await.is_err(), "its keys are inserted, its ranges are not");
        world.execute("alter table away rename to lake_segment_ranges").await;
        offer(&world.lake, 1, &["2", "3", "1"]).await.unwrap();
        assert_keys(&world, &["1", "2", "3"], 1).await;
    });
}

#[test]
fn a_crash_before_or_after_the_registration_changes_nothing() {
    in_world(|world| async move {
        offer(&world.lake, 0, &["1"]).await.unwrap();
        for (first, name) in [(1, "stage.object-stored"), (2, "stage.registered")] {
            let keys: &[&str] = if first == 1 { &["2", "1"] } else { &["1", "3"] };
            assert!(crash::at(name, offer(&world.lake, first, keys)).await.is_none());
            // What was in flight comes again, to the same memory and to another one.
            offer(&world.lake, first, keys).await.unwrap();
            offer(&another(&world.lake), first, keys).await.unwrap();
        }
        offer(&world.lake, 4, &["3", "2", "1"]).await.unwrap();
        // Offset 2 was a part of the first batch already.
        assert_keys(&world, &["1", "2", "3"], 4).await;
    });
}

#[test]
fn writers_at_once_agree_on_what_came_first() {
    in_world(|world| async move {
        let mut first = 0;
        let writers = [world.lake.clone(), another(&world.lake), another(&world.lake), world.lake.clone()];
        let mut all = std::collections::BTreeSet::new();
        for _ in 0..12 {
            let keys: Vec<String> = (first..first + 40).map(|n| (1 + n * n * 7_919 % 300).to_string()).collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            // The same records, cut differently by each.
            let batches = [&keys[..], &keys[..25], &keys[..10], &keys[..33]];
            let offers = writers.iter().zip(batches).map(|(lake, keys)| offer(lake, first, keys));
            for ended in futures::future::join_all(offers).await {
                ended.unwrap();
            }
            all.extend(keys.iter().map(|key| (*key).to_owned()));
            first += 40;
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_keys(&world, &all, 480 - all.len() as i64).await;
    });
}

#[test]
fn beyond_the_window_a_key_is_a_row_again() {
    in_world(|world| async move {
        offer(&world.lake, 0, &["1", "2"]).await.unwrap();
        offer(&world.lake, 2, &["3"]).await.unwrap();
        world.execute("update lake_repeats set staged_at = now() - interval '25 hours' where sequence = 1").await;
        offer(&another(&world.lake), 3, &["1", "3"]).await.unwrap();
        assert_keys(&world, &["1", "1", "2", "3"], 1).await;
        // Of four keys the last two are remembered.
        let few = RepeatLimits { ids: 2, ..RepeatLimits::default() };
        let lake = world.lake.clone().with_repeats(few);
        offer(&lake, 5, &["4"]).await.unwrap();
        offer(&lake, 6, &["4", "1", "3"]).await.unwrap();
        assert_keys(&world, &["1", "1", "2", "3", "3", "4"], 3).await;
        let none = world.lake.clone().with_repeats(RepeatLimits { ids: 0, ..few });
        offer(&none, 9, &["4"]).await.unwrap();
        assert_keys(&world, &["1", "1", "2", "3", "3", "4", "4"], 3).await;
    });
}

#[test]
fn a_topic_made_again_repeats_what_the_old_one_held() {
    in_world(|world| async move {
        offer(&world.lake, 0, &["1", "2"]).await.unwrap();
        let late = another(&world.lake);
        offer_to(&late, "made-again", 0, &["2", "3"]).await.unwrap();
        // A last batch of the old one, by a process that has not heard of the new.
        offer(&world.lake, 2, &["3", "4"]).await.unwrap();
        offer_to(&late, "made-again", 2, &["4"]).await.unwrap();
        assert_keys(&world, &["1", "2", "3", "4"], 3).await;
    });
}

#[test]
fn a_database_that_went_back_in_time_takes_its_memory_along() {
    in_world(|world| async move {
        offer(&world.lake, 0, &["1"]).await.unwrap();
        offer(&world.lake, 1, &["2"]).await.unwrap();
        world.execute("delete from lake_segments where id = 2; delete from lake_repeats where sequence = 2").await;
        world.execute("update lake_watermarks set next_offset = 1, records = 1").await;
        offer(&world.lake, 1, &["2", "1"]).await.unwrap();
        assert_keys(&world, &["1", "2"], 1).await;
    });
}

#[test]
fn keys_that_no_window_reaches_are_deleted_and_the_chain_goes_on() {
    in_world(|world| async move {
        for (offset, key) in ["1", "2", "3", "4"].into_iter().enumerate() {
            offer(&world.lake, offset as i64, &[key]).await.unwrap();
        }
        let sequences = "select coalesce(sum(sequence), 0)::bigint from lake_repeats";
        let clean = async |lake: &Lake| {
            let committer = World { lake: lake.clone(), ..world.clone() }.committer().await;
            committer.clean(Duration::from_secs(3600), 100).await.unwrap();
            world.count(sequences).await
        };
        assert_eq!(clean(&world.lake).await, 10);
        assert_eq!(clean(&world.lake.clone().with_repeats(RepeatLimits { ids: 2, ..Default::default() })).await, 7);
        world.execute("update lake_repeats set staged_at = now() - interval '25 hours'").await;
        assert_eq!(clean(&world.lake).await, 4, "the last row stays");
        offer(&another(&world.lake), 4, &["4", "5"]).await.unwrap();
        assert_keys(&world, &["1", "2", "3", "4", "4", "5"], 0).await;
        assert_eq!(world.count("select max(total) from lake_repeats where sequence = 5").await, 6);
    });
}
