//! Injected faults.

mod faults;
mod kafka;

use std::sync::Arc;

use millrace::{chaos::Chaos, host::Paths};

use crate::cases::Case;

/// A way on which these faults happen.
fn with(specification: &str, seed: u64) -> (Paths, Arc<Chaos>) {
    let chaos = Arc::new(Chaos::new(specification.parse().unwrap(), seed));
    (Paths { chaos: Some(Arc::clone(&chaos)), ..Paths::default() }, chaos)
}

/// How often a fault was injected, on all streams together.
fn injected(chaos: &Chaos, fault: &str) -> u64 {
    chaos.status().streams.iter().filter_map(|stream| stream.injected.get(fault)).sum()
}

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "chaos.faults.a-crash-kills-the-process-while-it-has-the-event" => faults::a_crash_kills_the_process_while_it_has_the_event,
        "chaos.faults.a-timeout-kills-the-process-although-it-has-done-its-work" => faults::a_timeout_kills_the_process_although_it_has_done_its_work,
        "chaos.faults.an-error-replaces-the-answer-to-work-that-was-done" => faults::an_error_replaces_the_answer_to_work_that_was_done,
        "chaos.faults.a-throttled-invocation-does-not-reach-the-function" => faults::a_throttled_invocation_does_not_reach_the_function,
        "chaos.faults.an-event-is-duplicated-and-a-request-is-not" => faults::an_event_is_duplicated_and_a_request_is_not,
        "chaos.faults.a-seed-gives-a-trigger-the-same-sequence-again-whatever-others-do" => faults::a_seed_gives_a_trigger_the_same_sequence_again_whatever_others_do,
        "chaos.kafka.every-record-is-handled-at-least-once-and-none-is-lost" => kafka::every_record_is_handled_at_least_once_and_none_is_lost,
        "chaos.kafka.consumers-that-leave-and-join-again-lose-and-double-nothing" => kafka::consumers_that_leave_and_join_again_lose_and_double_nothing,
    ]
}
