//! Judgements over a function's life.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

fn service(trigger: Trigger) -> Service {
    Service { name: "fn".to_owned(), position: 0, trigger }
}

/// Looks at one function again and again.
struct Life {
    service: Service,
    last: Option<Finding>,
}

impl Life {
    fn of(trigger: Trigger) -> Self {
        Self { service: service(trigger), last: None }
    }

    fn see(&mut self, seconds: i64, seen: Seen) -> Status {
        let previous = self.last.as_ref().map(|last| Previous {
            name: last.name.clone(),
            trigger: last.trigger.clone(),
            status: last.status.as_str().to_owned(),
            status_since: last.status_since,
            progress: last.progress,
            last_success_at: last.last_success_at,
            expected_since: last.expected_since,
        });
        let finding = decide(&self.service, previous.as_ref(), seen, at(seconds));
        let status = finding.status;
        self.last = Some(finding);
        status
    }

    fn error(&self) -> String {
        self.last.as_ref().and_then(|last| last.error.clone()).unwrap_or_default()
    }
}

fn kafka(enabled: bool, lag: i64, progress: i64) -> Seen {
    let backlog = Ok(Backlog { lag, progress });
    Seen::Kafka { enabled, trigger: "topic t by group g".to_owned(), problem: None, backlog }
}

fn schedule(enabled: bool, last_success: Option<i64>) -> Seen {
    Seen::Schedule { enabled, expression: "rate(1 minute)".to_owned(), last_success_at: last_success.map(at) }
}

#[test]
fn an_api_is_as_its_last_answer() {
    let mut life = Life::of(Trigger::Http("http://localhost:1".to_owned()));
    let answer = |fault: Option<&str>| Seen::Http { took: Duration::from_millis(12), fault: fault.map(str::to_owned) };
    assert_eq!(life.see(0, answer(None)), Status::Healthy);
    assert_eq!(life.see(10, answer(Some("status 503"))), Status::Unhealthy);
    assert_eq!(life.see(20, answer(Some("status 503"))), Status::Unhealthy);
    let last = life.last.as_ref().unwrap();
    assert_eq!((last.status_since, last.last_success_at), (at(10), Some(at(0))));
    assert_eq!((last.response_time_ms, last.address.as_deref()), (Some(12.0), Some("http://localhost:1")));
}

#[test]
fn a_quiet_kafka_function_is_healthy_for_ever() {
    let mut life = Life::of(Trigger::Kafka("fn".to_owned()));
    assert_eq!(life.see(0, kafka(true, 0, 100)), Status::Healthy);
    assert_eq!(life.see(86_400, kafka(true, 0, 100)), Status::Healthy);
}

#[test]
fn a_backlog_that_moves_is_healthy_and_one_that_stands_is_ill() {
    let mut life = Life::of(Trigger::Kafka("fn".to_owned()));
    assert_eq!(life.see(0, kafka(true, 50, 100)), Status::Unknown, "a first look sees no movement");
    assert_eq!(life.see(10, kafka(true, 60, 110)), Status::Healthy);
    assert_eq!(life.see(130, kafka(true, 70, 110)), Status::Healthy, "two minutes of patience");
    assert_eq!(life.see(131, kafka(true, 80, 110)), Status::Unhealthy);
    assert_eq!(life.error(), "80 records wait, and none was done for 121 s");
    assert_eq!(life.see(140, kafka(true, 70, 120)), Status::Healthy);
}

#[test]
fn what_was_stopped_is_stopped_and_gets_its_time_again() {
    let mut life = Life::of(Trigger::Kafka("fn".to_owned()));
    assert_eq!(life.see(0, kafka(true, 0, 100)), Status::Healthy);
    assert_eq!(life.see(600, kafka(false, 5_000, 100)), Status::Stopped);
    assert_eq!(life.see(9_000, kafka(true, 9_000, 100)), Status::Unknown);
    assert_eq!(life.see(9_121, kafka(true, 9_000, 100)), Status::Unhealthy);

    let mut life = Life::of(Trigger::Schedule("fn".to_owned()));
    assert_eq!(life.see(0, schedule(false, None)), Status::Stopped);
    assert_eq!(life.see(10, schedule(true, None)), Status::Unknown);
    assert_eq!(life.see(70, schedule(true, Some(60))), Status::Healthy);
    assert_eq!(life.see(360, schedule(true, Some(60))), Status::Healthy);
    assert_eq!(life.see(361, schedule(true, Some(60))), Status::Unhealthy);
    assert_eq!(life.error(), "no success for 301 s");
}

#[test]
fn a_broker_that_is_away_makes_ill_and_a_control_plane_that_is_away_says_nothing() {
    let mut life = Life::of(Trigger::Kafka("fn".to_owned()));
    assert_eq!(life.see(0, kafka(true, 0, 1)), Status::Healthy);
    let away = Seen::Kafka {
        enabled: true,
        trigger: "topic t by group g".to_owned(),
        problem: None,
        backlog: Err("Kafka does not answer".to_owned()),
    };
    assert_eq!(life.see(10, away), Status::Unhealthy);
    assert_eq!(life.see(20, Seen::Nothing("Lambda does not answer".to_owned())), Status::Unknown);
    let last = life.last.unwrap();
    assert_eq!((last.trigger.as_str(), last.progress), ("topic t by group g", Some(1)), "kept for the next look");
}

#[test]
fn a_rate_has_a_period_and_other_expressions_have_none() {
    for (expression, expected) in [
        ("rate(1 minute)", Some(TimeDelta::minutes(1))),
        ("rate(12 hours)", Some(TimeDelta::hours(12))),
        ("rate(2 days)", Some(TimeDelta::days(2))),
        ("rate(-1 days)", None),
        ("rate(9223372036854775807 days)", None),
        ("cron(0 8 * * ? *)", None),
        ("rate(x)", None),
    ] {
        assert_eq!(period(expression), expected, "{expression}");
    }
}

proptest! {
    #[test]
    fn nothing_that_is_seen_breaks_a_judgement(
        expression in ".{0,30}", lag in any::<i64>(), progress in any::<i64>(), enabled: bool, seconds in 0_i64..1_000_000
    ) {
        let mut life = Life::of(Trigger::Kafka("fn".to_owned()));
        life.see(0, kafka(true, lag, progress));
        let status = life.see(seconds, kafka(enabled, lag, progress));
        prop_assert_eq!(status == Status::Stopped, !enabled);
        life.see(seconds, Seen::Schedule { enabled, expression, last_success_at: None });
    }
}
