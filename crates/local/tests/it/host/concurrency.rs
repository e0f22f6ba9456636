//! How many invocations run at the same time.

use std::collections::BTreeSet;

use millrace::host::InvokeError;
use serde_json::{Value, json};

use crate::support::{App, DEFAULT_CONCURRENCY};

const HELD: &str = "
import os
def handler(event, context):
    record({'begins': os.getpid()})
    await_flag('go')
    record({'ends': os.getpid()})
    return os.getpid()
";

/// The most invocations that ran at once, from the order of their beginnings and ends.
fn most_at_once(records: &[Value]) -> usize {
    let (mut running, mut most) = (0_usize, 0);
    for record in records {
        running = if record.get("begins").is_some() { running + 1 } else { running - 1 };
        most = most.max(running);
    }
    most
}

pub(crate) async fn a_reserved_concurrency_throttles_what_exceeds_it() {
    let app = App::function("Timeout: 60, ReservedConcurrentExecutions: 1", HELD);
    let first = app.start_invocation(&json!({}));
    app.recorded(1).await;
    assert_eq!(app.try_invoke("{}").await.unwrap_err(), InvokeError::Throttled);
    app.raise("go");
    assert!(first.await.unwrap().unwrap().is_success());
    assert!(app.invoke(&json!({})).await.is_success(), "there is room again");
    let statistics = app.f().statistics();
    assert_eq!((statistics.invocations, statistics.throttles, statistics.cold_starts), (2, 1, 1));
}

pub(crate) async fn a_reserved_concurrency_of_zero_throttles_everything() {
    let app = App::function("ReservedConcurrentExecutions: 0", HELD);
    assert_eq!(app.try_invoke("{}").await.unwrap_err(), InvokeError::Throttled);
}

pub(crate) async fn without_a_reservation_invocations_run_at_once_up_to_the_default_and_wait_beyond() {
    let app = App::function("Timeout: 60", HELD);
    let all = DEFAULT_CONCURRENCY as usize;
    let invocations: Vec<_> = (0..all + 2).map(|_| app.start_invocation(&json!({}))).collect();
    // Nobody ends before the flag, so as many beginnings are as many processes at once.
    app.recorded(all).await;
    app.raise("go");
    let mut pids = BTreeSet::new();
    for invocation in invocations {
        let outcome = invocation.await.unwrap().unwrap();
        assert!(outcome.is_success());
        pids.insert(outcome.payload);
    }
    assert_eq!(most_at_once(&app.records()), all);
    assert_eq!(pids.len(), all, "those that waited found a warm process");
}
