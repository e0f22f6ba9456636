//! What a schedule sends to its function.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

/// One run of a schedule.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// The ARN of the rule or the schedule.
    pub arn: &'a str,
    /// When it was due.
    pub scheduled_time: DateTime<Utc>,
    /// Unique for the run, the same for its retries.
    pub execution_id: &'a str,
    /// From 1.
    pub attempt: u32,
    /// Region and account of the default events.
    pub region: &'a str,
    /// Account of the default events.
    pub account: &'a str,
}

/// The payload of an EventBridge rule: `input` as it is, or the `Scheduled Event`.
pub fn rule(input: Option<&str>, run: &Run<'_>) -> String {
    input.map_or_else(|| default(run, "aws.events", &json!({})), str::to_owned)
}

/// The payload of EventBridge Scheduler: `input` with the `<aws.scheduler.*>` words replaced, or its default event,
/// whose `detail` is a text.
pub fn scheduler(input: Option<&str>, run: &Run<'_>) -> String {
    let Some(input) = input else { return default(run, "aws.scheduler", &json!("{}")) };
    let time = timestamp(run);
    let attempt = run.attempt.to_string();
    let words = [
        ("<aws.scheduler.schedule-arn>", run.arn),
        ("<aws.scheduler.scheduled-time>", &time),
        ("<aws.scheduler.execution-id>", run.execution_id),
        ("<aws.scheduler.attempt-number>", &attempt),
    ];
    words.iter().fold(input.to_owned(), |text, (word, value)| text.replace(word, value))
}

fn timestamp(run: &Run<'_>) -> String {
    run.scheduled_time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn default(run: &Run<'_>, source: &str, detail: &serde_json::Value) -> String {
    json!({
        "version": "0",
        "id": run.execution_id,
        "detail-type": "Scheduled Event",
        "source": source,
        "account": run.account,
        "time": timestamp(run),
        "region": run.region,
        "resources": [run.arn],
        "detail": detail,
    })
    .to_string()
}

/// The ARN of an EventBridge rule.
pub fn rule_arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:aws:events:{region}:{account}:rule/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run<'static> {
        Run {
            arn: "arn:aws:scheduler:us-east-1:000000000000:schedule/default/tick",
            scheduled_time: "2026-11-21T12:00:00.250Z".parse().unwrap(),
            execution_id: "d32c5kddcf5bb8c3",
            attempt: 1,
            region: "us-east-1",
            account: "000000000000",
        }
    }

    #[test]
    fn words_are_replaced() {
        let input = r#"{"arn":"<aws.scheduler.schedule-arn>","at":"<aws.scheduler.scheduled-time>","id":"<aws.scheduler.execution-id>","n":"<aws.scheduler.attempt-number>","same":"<aws.scheduler.other>"}"#;
        assert_eq!(
            scheduler(Some(input), &run()),
            r#"{"arn":"arn:aws:scheduler:us-east-1:000000000000:schedule/default/tick","at":"2026-11-21T12:00:00Z","id":"d32c5kddcf5bb8c3","n":"1","same":"<aws.scheduler.other>"}"#
        );
    }

    #[test]
    fn default_events() {
        let event: serde_json::Value = serde_json::from_str(&rule(None, &run())).unwrap();
        assert_eq!(event["detail-type"], "Scheduled Event");
        assert_eq!(event["source"], "aws.events");
        assert_eq!(event["time"], "2026-11-21T12:00:00Z");
        assert_eq!(event["detail"], json!({}));
        let event: serde_json::Value = serde_json::from_str(&scheduler(None, &run())).unwrap();
        assert_eq!((&event["source"], &event["detail"]), (&json!("aws.scheduler"), &json!("{}")));
        assert_eq!(rule(Some("{\"a\":1}"), &run()), "{\"a\":1}");
    }
}
