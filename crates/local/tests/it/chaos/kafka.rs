//! A Kafka mapping to which everything happens.

use std::collections::BTreeSet;

use millrace::mapping::MappingState;

use super::{injected, with};
use crate::support::{source::Source, topic::rec, until};

const RECORDS: i32 = 300;

pub(crate) async fn every_record_is_handled_at_least_once_and_none_is_lost() {
    let (paths, chaos) = with("crash=0.1,timeout=0.03,error=0.1,throttle=0.1,duplicate=0.2,delay=0.1:5ms", 20_261_121);
    let source = Source::on(2, "BatchSize: 10", "", paths).await;
    let records: Vec<_> = (0..RECORDS).map(|n| rec(n % 2, n)).collect();
    source.topic.produce(&records).await;
    source.enable().await;
    // In the midst of it, once some and once most of it is done.
    for done in [60, 200] {
        until(&format!("{done} records"), async || {
            let committed: i64 = source.committed().await.into_iter().flatten().sum();
            (committed >= done).then_some(())
        })
        .await;
        source.mapping.rebalance().await.unwrap();
        assert_eq!(source.mapping.state().0, MappingState::Enabled);
    }
    source.until_committed(&[i64::from(RECORDS) / 2, i64::from(RECORDS) / 2]).await;
    source.mapping.disable().await;

    let delivered: Vec<String> = [0, 1].into_iter().flat_map(|partition| source.delivered(partition)).collect();
    let handled: BTreeSet<i32> = delivered.iter().map(|value| value.parse().unwrap()).collect();
    assert_eq!(handled, (0..RECORDS).collect(), "every record is handled");
    assert_eq!(source.mapping.statistics().given_up, 0);
    for fault in ["crash", "error", "throttle", "duplicate", "delay"] {
        assert!(injected(&chaos, fault) > 0, "no {fault} in {:?}", chaos.status());
    }
    assert!(delivered.len() > handled.len(), "faults bring records again");
    // A throttled batch is no invocation of the function; a duplicate is one more.
    let statistics = source.app.f().statistics();
    let decisions: u64 = chaos.status().streams.iter().map(|stream| stream.decisions).sum();
    assert_eq!(statistics.invocations, decisions - injected(&chaos, "throttle") + injected(&chaos, "duplicate"));
    assert_eq!(source.mapping.statistics().invocations, decisions);
}

pub(crate) async fn consumers_that_leave_and_join_again_lose_and_double_nothing() {
    let source = Source::new(2, "BatchSize: 10", "").await;
    source.enable().await;
    for round in 0..3 {
        let records: Vec<_> = (0..20).map(|n| rec(n % 2, round * 20 + n)).collect();
        source.topic.produce(&records).await;
        let each = i64::from(round + 1) * 10;
        source.until_committed(&[each, each]).await;
        source.mapping.rebalance().await.unwrap();
    }
    source.mapping.disable().await;
    source.mapping.rebalance().await.unwrap();
    assert_eq!(source.mapping.state().0, MappingState::Disabled, "what is disabled stays out");
    for partition in [0, 1] {
        let expected: Vec<String> = (0..60).filter(|n| n % 2 == partition).map(|n| n.to_string()).collect();
        assert_eq!(source.delivered(partition), expected);
    }
}
