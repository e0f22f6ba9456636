//! `rate(...)`, `cron(...)` and `at(...)` as EventBridge reads them.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// Why an expression is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "\"{expression}\" is not accepted: {reason}; accepted: rate(5 minutes), cron(minutes hours day-of-month month day-of-week year), at(yyyy-mm-ddThh:mm:ss)"
)]
pub struct ExpressionError {
    expression: String,
    reason: String,
}

/// A schedule that is understood.
#[derive(Debug, Clone)]
pub struct Schedule {
    when: When,
    timezone: Tz,
}

#[derive(Debug, Clone)]
enum When {
    Rate(Duration),
    Cron(Box<Cron>),
    At(NaiveDateTime),
}

impl Schedule {
    /// Reads an expression; `timezone` is an IANA name.
    ///
    /// # Errors
    /// What EventBridge refuses too, with the reason.
    pub fn parse(expression: &str, timezone: &str) -> Result<Self, ExpressionError> {
        let parsed = parse(expression.trim(), timezone);
        parsed.map_err(|reason| ExpressionError { expression: expression.to_owned(), reason })
    }

    /// Whether it fires once only.
    pub fn is_one_time(&self) -> bool {
        matches!(self.when, When::At(_))
    }

    /// The first time after `after`, or `None` when there is none.
    ///
    /// A rate counts from `enabled_at`, when the schedule was made or enabled: at `enabled_at` itself (as EventBridge
    /// Scheduler does without a start date), then every period. `after` before `enabled_at` gives `enabled_at`; an EventBridge rule,
    /// whose first run is one period later, asks for what comes after `enabled_at`.
    /// Cron and at do not look at it. Where clocks go forward, times in the gap are left out; where they go back, a
    /// time that stands twice fires the first time only.
    pub fn next_after(&self, enabled_at: DateTime<Utc>, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.when {
            When::Rate(_) if after < enabled_at => Some(enabled_at),
            When::Rate(period) => {
                let elapsed = after - enabled_at;
                let periods = elapsed.num_milliseconds() / period.num_milliseconds().max(1) + 1;
                enabled_at.checked_add_signed(Duration::milliseconds(period.num_milliseconds().checked_mul(periods)?))
            }
            When::Cron(cron) => self.next_cron(cron, after),
            When::At(local) => first(self.timezone, *local).filter(|time| *time > after),
        }
    }

    fn next_cron(&self, cron: &Cron, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut local = after.with_timezone(&self.timezone).naive_local();
        loop {
            local = cron.find_next_occurrence(&local, false).ok()?;
            match first(self.timezone, local) {
                Some(time) if time > after => return Some(time),
                _ => {}
            }
        }
    }
}

/// The first time at which a zone's clocks show `local`.
fn first(timezone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    match timezone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.with_timezone(&Utc)),
        LocalResult::None => None,
    }
}

fn parse(expression: &str, timezone: &str) -> Result<Schedule, String> {
    let timezone: Tz = timezone.parse().map_err(|_| format!("{timezone} is no time zone of the IANA database"))?;
    let Some((kind, rest)) = expression.split_once('(') else { return Err("it has no parentheses".to_owned()) };
    let body = rest.strip_suffix(')').ok_or("it does not end with )")?.trim();
    let when = match kind {
        "rate" => When::Rate(rate(body)?),
        "cron" => When::Cron(Box::new(super::cron::parse(body)?)),
        "at" => {
            let time = NaiveDateTime::parse_from_str(body, "%Y-%m-%dT%H:%M:%S");
            let time = time.map_err(|_| format!("{body} is no time of the form yyyy-mm-ddThh:mm:ss"))?;
            first(timezone, time).ok_or_else(|| format!("{body} does not exist in {timezone}"))?;
            When::At(time)
        }
        _ => return Err(format!("{kind} is unknown")),
    };
    Ok(Schedule { when, timezone })
}

fn rate(body: &str) -> Result<Duration, String> {
    let mut parts = body.split_whitespace();
    let (Some(value), Some(unit), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err("a rate is a number and a unit".to_owned());
    };
    let value =
        value.parse::<u32>().ok().filter(|value| *value > 0).ok_or_else(|| format!("{value} is no positive number"))?;
    match unit {
        "minute" | "minutes" => Ok(Duration::minutes(value.into())),
        "hour" | "hours" => Ok(Duration::hours(value.into())),
        // 24 hours, also where a day has 23 or 25.
        "day" | "days" => Ok(Duration::days(value.into())),
        _ => Err(format!("{unit} is no unit; a unit is minute, minutes, hour, hours, day, days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The next times of an expression, in UTC.
    fn next(expression: &str, timezone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(expression, timezone).unwrap();
        let mut at = time(after);
        let enabled = at;
        let mut found = Vec::new();
        while let Some(next) = schedule.next_after(enabled, at).filter(|_| found.len() < count) {
            found.push(next.format("%Y-%m-%dT%H:%M").to_string());
            at = next;
        }
        found
    }

    #[test]
    fn examples_of_the_aws_documentation() {
        for (expression, expected) in [
            ("cron(15 10 * * ? *)", ["2026-01-01T10:15", "2026-01-02T10:15"]),
            ("cron(0 18 ? * MON-FRI *)", ["2026-01-01T18:00", "2026-01-02T18:00"]),
            ("cron(0 8 1 * ? *)", ["2026-01-01T08:00", "2026-02-01T08:00"]),
            ("cron(0/10 * ? * MON-FRI *)", ["2026-01-01T00:10", "2026-01-01T00:20"]),
            ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-01-01T08:00", "2026-01-01T08:05"]),
            ("cron(0 9 ? * 2#1 *)", ["2026-01-05T09:00", "2026-02-02T09:00"]),
            ("cron(0/30 20-2 ? * MON-FRI *)", ["2026-01-01T00:30", "2026-01-01T01:00"]),
            ("cron(0 0 ? JAN-MAR/2 FRI-MON *)", ["2026-01-02T00:00", "2026-01-03T00:00"]),
            ("cron(15 10 ? * 6L 2026-2027)", ["2026-01-30T10:15", "2026-02-27T10:15"]),
            ("cron(15 12 ? * FRI#3 *)", ["2026-01-16T12:15", "2026-02-20T12:15"]),
            ("cron(0 0 L * ? *)", ["2026-01-31T00:00", "2026-02-28T00:00"]),
            ("cron(0 9 15W * ? *)", ["2026-01-15T09:00", "2026-02-16T09:00"]),
            ("cron(0 9 ? * L *)", ["2026-01-03T09:00", "2026-01-10T09:00"]),
            ("cron(0 12 29 2 ? *)", ["2028-02-29T12:00", "2032-02-29T12:00"]),
            ("cron(/15 * * * ? *)", ["2026-01-01T00:15", "2026-01-01T00:30"]),
            ("rate(1 minute)", ["2026-01-01T00:01", "2026-01-01T00:02"]),
            ("rate(5 minutes)", ["2026-01-01T00:05", "2026-01-01T00:10"]),
            ("rate(1 day)", ["2026-01-02T00:00", "2026-01-03T00:00"]),
        ] {
            assert_eq!(next(expression, "UTC", "2026-01-01T00:00:00Z", 2), expected, "{expression}");
        }
    }

    #[test]
    fn one_time_and_past() {
        let at = "at(2026-11-20T13:00:00)";
        assert_eq!(next(at, "America/New_York", "2026-01-01T00:00:00Z", 9), ["2026-11-20T18:00"]);
        assert!(next(at, "UTC", "2026-11-20T13:00:00Z", 1).is_empty());
        assert!(next("cron(0 0 1 1 ? 2025)", "UTC", "2026-01-01T00:00:00Z", 1).is_empty());
        assert!(Schedule::parse(at, "UTC").unwrap().is_one_time());
    }

    #[test]
    fn a_rate_counts_from_when_it_was_enabled() {
        let schedule = Schedule::parse("rate(5 minutes)", "UTC").unwrap();
        let enabled = time("2026-01-01T00:02:30Z");
        assert_eq!(schedule.next_after(enabled, time("2026-01-01T00:00:00Z")), Some(enabled));
        assert_eq!(schedule.next_after(enabled, enabled), Some(time("2026-01-01T00:07:30Z")));
        assert_eq!(schedule.next_after(enabled, time("2026-01-01T00:11:00Z")), Some(time("2026-01-01T00:12:30Z")));
    }

    #[test]
    fn refused() {
        for (expression, timezone, reason) in [
            ("rate(0 minutes)", "UTC", "no positive number"),
            ("rate(5)", "UTC", "a number and a unit"),
            ("rate(5 seconds)", "UTC", "no unit"),
            ("cron(0 12 * * *)", "UTC", "6 fields, found 5"),
            ("cron(0 12 * * * *)", "UTC", "must be ?"),
            ("cron(0 12 ? * ? *)", "UTC", "cannot both be ?"),
            ("cron(60 12 * * ? *)", "UTC", ""),
            ("cron(0 12 * * ? 1969)", "UTC", "1970 to 2199"),
            ("cron(0/0 12 * * ? *)", "UTC", "step"),
            ("cron(0 20-24 * * ? *)", "UTC", "0 to 23"),
            ("at(tomorrow)", "UTC", "yyyy-mm-ddThh:mm:ss"),
            ("at(2026-03-29T02:30:00)", "Europe/Berlin", "does not exist"),
            ("every(5 minutes)", "UTC", "unknown"),
            ("5 minutes", "UTC", "no parentheses"),
            ("rate(5 minutes)", "Mars/Base", "no time zone"),
        ] {
            let error = Schedule::parse(expression, timezone).unwrap_err().to_string();
            assert!(error.contains(reason), "{expression}: {error}");
        }
    }
}
