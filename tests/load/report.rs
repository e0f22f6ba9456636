//! What people, or programs, are told.

use std::time::Duration;

use serde_json::json;

use crate::{Arguments, drive::Driven, plan::Action, verify::Verified};

/// Missing writes that are named; the others are counted.
const NAMED: usize = 20;

fn count(driven: &Driven, action: Action) -> usize {
    driven.acknowledged.iter().filter(|write| write.action == action).count()
}

fn ms(driven: &Driven, quantile: f64) -> f64 {
    driven.latency.value_at_quantile(quantile) as f64 / 1e3
}

fn failures(driven: &Driven) -> u64 {
    driven.errors.values().sum()
}

/// A line while it goes on.
pub(crate) fn say_progress(driven: &Driven, since: Duration) {
    println!(
        "{:>5.0} s  {:>8} acknowledged  {:>5} errors  p50 {:.1} ms  p99 {:.1} ms",
        since.as_secs_f64(),
        driven.acknowledged.len(),
        failures(driven),
        ms(driven, 0.5),
        ms(driven, 0.99),
    );
}

/// How the writing went, before the check begins.
pub(crate) fn say_writes(driven: &Driven, json: bool) {
    if json {
        return;
    }
    println!(
        "wrote {} posts, {} comments, {} likes in {:.1} s: {:.0} a second",
        count(driven, Action::Post),
        count(driven, Action::Comment),
        count(driven, Action::Like),
        driven.took.as_secs_f64(),
        driven.acknowledged.len() as f64 / driven.took.as_secs_f64(),
    );
    println!(
        "from due to acknowledged: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms",
        ms(driven, 0.5),
        ms(driven, 0.9),
        ms(driven, 0.99),
        ms(driven, 0.999),
        ms(driven, 1.0),
    );
    for (error, times) in &driven.errors {
        println!("error, {times} times: {error}");
    }
    println!("reading every acknowledged write ...");
}

/// Whether all of it is there.
pub(crate) fn say_all(driven: &Driven, verified: &Verified, arguments: &Arguments) {
    if arguments.json {
        println!(
            "{}",
            json!({
                "rate": arguments.rate, "users": arguments.users, "seconds": driven.took.as_secs_f64(),
                "acknowledged": driven.acknowledged.len(), "errors": driven.errors,
                "latency_ms": {"p50": ms(driven, 0.5), "p90": ms(driven, 0.9), "p99": ms(driven, 0.99),
                               "p999": ms(driven, 0.999), "max": ms(driven, 1.0)},
                "verified": {"posts": verified.posts, "comments": verified.comments, "likes": verified.likes,
                             "seconds": verified.took.as_secs_f64(), "missing": verified.missing},
            })
        );
        return;
    }
    println!(
        "read {} posts, {} comments and {} likes in {:.1} s: {} missing",
        verified.posts,
        verified.comments,
        verified.likes,
        verified.took.as_secs_f64(),
        verified.missing.len(),
    );
    for fault in verified.missing.iter().take(NAMED) {
        println!("  {fault}");
    }
    if verified.missing.len() > NAMED {
        println!("  and {} more", verified.missing.len() - NAMED);
    }
}
