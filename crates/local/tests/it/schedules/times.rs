//! When schedules fire: pure functions of the runner.

use chrono::{DateTime, Utc};
use millrace::{
    schedule::{expression::Schedule, plan},
    template::spec::{Period, ScheduleKind},
};

fn time(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}

/// The next runs of a schedule of EventBridge Scheduler that was made at `made`.
fn runs(expression: &str, zone: &str, made: &str, period: Period, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(expression, zone).unwrap();
    let mut last = None;
    let mut found = Vec::new();
    while let Some(run) = plan::next(&schedule, ScheduleKind::Scheduler, period, time(made), last) {
        if found.len() == count {
            break;
        }
        found.push(run.format("%Y-%m-%dT%H:%M").to_string());
        last = Some(run);
    }
    found
}

fn always() -> Period {
    Period::default()
}

// Berlin: UTC+1, UTC+2 from 2026-03-29 02:00 to 2026-10-25 03:00.

pub(crate) async fn a_time_that_the_clocks_leave_out_is_skipped() {
    let found = runs("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T00:00", always(), 2);
    assert_eq!(found, ["2026-03-28T01:30", "2026-03-30T00:30"]);
}

pub(crate) async fn a_time_that_the_clocks_show_twice_fires_once() {
    let found = runs("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00", always(), 2);
    assert_eq!(found, ["2026-10-25T00:30", "2026-10-26T01:30"]);
}

pub(crate) async fn a_day_of_a_rate_has_24_hours_whatever_the_clocks_do() {
    let found = runs("rate(1 day)", "Europe/Berlin", "2026-03-28T08:00", always(), 3);
    assert_eq!(found, ["2026-03-28T08:00", "2026-03-29T08:00", "2026-03-30T08:00"]);
}

pub(crate) async fn nothing_fires_before_the_start_date_or_after_the_end_date() {
    let period = Period { start: Some(time("2026-01-05T00:00")), end: Some(time("2026-01-06T12:00")) };
    let found = runs("cron(0 12 * * ? *)", "UTC", "2026-01-01T00:00", period, 9);
    assert_eq!(found, ["2026-01-05T12:00", "2026-01-06T12:00"]);
    let found = runs("rate(12 hours)", "UTC", "2026-01-01T00:00", period, 2);
    assert_eq!(found, ["2026-01-05T00:00", "2026-01-05T12:00"], "a rate begins at the start date");
}

pub(crate) async fn a_one_time_schedule_fires_once_and_does_not_look_at_the_dates() {
    let period = Period { start: Some(time("2026-02-01T00:00")), end: None };
    let found = runs("at(2026-01-02T13:00:00)", "America/New_York", "2026-01-01T00:00", period, 9);
    assert_eq!(found, ["2026-01-02T18:00"]);
}

pub(crate) async fn the_last_day_the_nearest_weekday_and_the_nth_weekday_have_letters() {
    for (expression, expected) in [
        ("cron(0 0 L * ? *)", ["2026-01-31T00:00", "2026-02-28T00:00"]),
        ("cron(0 9 15W * ? *)", ["2026-01-15T09:00", "2026-02-16T09:00"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-01-05T09:00", "2026-02-02T09:00"]),
        ("cron(15 10 ? * 6L *)", ["2026-01-30T10:15", "2026-02-27T10:15"]),
    ] {
        assert_eq!(runs(expression, "UTC", "2026-01-01T00:00", always(), 2), expected, "{expression}");
    }
}
