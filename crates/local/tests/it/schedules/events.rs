//! What a schedule sends, by itself and when it is fired by hand.

use chrono::{DateTime, Utc};
use millrace::{schedule_source::ScheduleChange, template::spec::Period};
use serde_json::{Value, json};

use super::{app, of};
use crate::support::until;

fn noon() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(crate) async fn a_rate_without_a_start_date_fires_at_once_and_the_words_of_its_input_are_replaced() {
    let input = r#"Input: '{"arn":"<aws.scheduler.schedule-arn>","id":"<aws.scheduler.execution-id>","attempt":"<aws.scheduler.attempt-number>","at":"<aws.scheduler.scheduled-time>"}'"#;
    let (app, source) = app("ScheduleV2", &format!("ScheduleExpression: rate(1 hour), {input}"));
    source.start();
    let event = app.recorded(1).await.remove(0);
    source.stop();
    assert_eq!(event["arn"], "arn:aws:scheduler:us-east-1:000000000000:schedule/default/f-tick");
    assert_eq!(event["attempt"], "1");
    assert!(!event["id"].as_str().unwrap().contains('<'), "{event}");
    let at: DateTime<Utc> = event["at"].as_str().unwrap().parse().unwrap();
    assert!((Utc::now() - at).num_seconds() < 60, "{event}");
}

pub(crate) async fn a_rule_sends_the_scheduled_event_with_its_arn() {
    let (app, source) = app("Schedule", "Schedule: rate(1 hour)");
    let fired = source.fire_now(noon()).unwrap();
    let mut event = app.recorded(1).await.remove(0);
    assert_eq!(event, serde_json::from_str::<Value>(&fired.event).unwrap());
    assert!(!event["id"].take().as_str().unwrap().is_empty());
    let expected = json!({
        "version": "0", "id": null, "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "000000000000", "time": "2026-11-21T12:00:00Z", "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/f-tick"], "detail": {},
    });
    assert_eq!(event, expected);
}

pub(crate) async fn a_raw_rule_fires_each_of_its_targets() {
    let template = "Resources:
       F:
         Type: AWS::Serverless::Function
         Properties: {Runtime: provided.al2023, CodeUri: f/}
       R:
         Type: AWS::Events::Rule
         Properties:
           Name: every-hour
           ScheduleExpression: rate(1 hour)
           Targets:
             - {Id: one, Arn: !GetAtt F.Arn, Input: '{\"number\":1}'}
             - {Id: two, Arn: !GetAtt F.Arn}
    ";
    let (app, second) = of(template, 1);
    let first = app.application.schedules[0].clone();
    assert_eq!((first.name.as_str(), second.spec().name.as_str()), ("every-hour-one", "every-hour-two"));
    assert_eq!(first.input.as_deref(), Some(r#"{"number":1}"#));
    second.fire_now(noon()).unwrap();
    let event = app.recorded(1).await.remove(0);
    assert_eq!(event["resources"], json!(["arn:aws:events:us-east-1:000000000000:rule/every-hour"]));
}

pub(crate) async fn a_schedule_can_be_fired_by_hand_although_it_is_disabled() {
    let properties =
        "ScheduleExpression: rate(1 hour), State: DISABLED, Input: '{\"at\":\"<aws.scheduler.scheduled-time>\"}'";
    let (app, source) = app("ScheduleV2", properties);
    source.start();
    let fired = source.fire_now(noon()).unwrap();
    assert_eq!((fired.function.as_str(), fired.event.as_str()), ("f", r#"{"at":"2026-11-21T12:00:00Z"}"#));
    assert_eq!(app.recorded(1).await, [json!({"at": "2026-11-21T12:00:00Z"})]);
    assert!(app.log().contains(&fired.request_id), "{}", app.log());
    source.stop();
    assert_eq!(source.times().1, None, "it has not fired by itself");
}

pub(crate) async fn a_slow_run_does_not_stop_the_next_one() {
    let (app, source) = app("ScheduleV2", "ScheduleExpression: rate(1 hour), Input: '{\"wait\":true}'");
    source.fire_now(noon()).unwrap();
    source.fire_now(noon()).unwrap();
    app.recorded(2).await;
    app.raise("go");
    until("the end of both", async || (app.f().statistics().invocations == 2).then_some(())).await;
}

pub(crate) async fn an_update_replaces_every_setting_of_a_schedule() {
    let start =
        "StartDate: '2026-01-01T00:00:00Z', EndDate: '2030-01-01T00:00:00Z', RetryPolicy: {MaximumRetryAttempts: 3}";
    let (_app, source) = app("ScheduleV2", &format!("ScheduleExpression: rate(1 hour), {start}"));
    let before = source.spec();
    assert_eq!(before.retry.maximum_retry_attempts, 3);
    assert_eq!(before.period.start, Some("2026-01-01T00:00:00Z".parse().unwrap()));
    let change: ScheduleChange = serde_json::from_value(json!({
        "enabled": false, "expression": "rate(2 hours)", "timezone": "UTC", "input": "{}",
    }))
    .unwrap();
    source.change(&change).unwrap();
    let after = source.spec();
    assert_eq!((after.enabled, after.period, after.retry.maximum_retry_attempts), (false, Period::default(), 185));
    assert_eq!(after.expression, "rate(2 hours)");
}
