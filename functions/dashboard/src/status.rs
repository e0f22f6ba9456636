//! `GET /status`: the whole system in a few words, out of what the registry says. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// How the whole system is.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// `running`; `degraded` when a service is ill; `starting` while something is not known yet; `unknown` when the
    /// registry is away.
    pub status: &'static str,
    /// Of Millrace.
    pub version: &'static str,
    /// How long the system has been looked at without a break, such as `1d 2h`, `3h 4m`, `5m 6s`; `unknown` when nobody
    /// looks.
    #[schema(example = "3h 4m")]
    pub uptime: String,
    /// The same as a number.
    pub uptime_seconds: Option<i64>,
    /// How many services are how; null when the registry is away.
    pub services: Option<Counts>,
}

/// Services by how they are.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    /// Doing their work, or with nothing to do.
    pub healthy: u64,
    /// Ill.
    pub unhealthy: u64,
    /// Stopped by somebody.
    pub stopped: u64,
    /// Not known.
    pub unknown: u64,
}

impl Status {
    /// Out of the registry's `GET /services`.
    pub(crate) fn of(services: Option<&Value>, now: DateTime<Utc>) -> Self {
        let field = |name: &str| services.and_then(|services| services.get(name));
        let up_since = field("up_since").and_then(Value::as_str);
        let up_since = up_since.and_then(|text| text.parse::<DateTime<Utc>>().ok());
        let uptime = up_since.map(|since| (now - since).max(TimeDelta::zero()));
        let count = |name: &str| field(name).and_then(Value::as_u64).unwrap_or(0);
        Self {
            status: match field("status").and_then(Value::as_str) {
                None => "unknown",
                Some("healthy") => "running",
                Some("unhealthy") => "degraded",
                // Nobody has looked for a while, or not at everything yet.
                Some(_) if uptime.is_none() => "unknown",
                Some(_) => "starting",
            },
            version: env!("CARGO_PKG_VERSION"),
            uptime: uptime.map_or_else(|| "unknown".to_owned(), in_words),
            uptime_seconds: uptime.map(|uptime| uptime.num_seconds()),
            services: services.map(|_| Counts {
                healthy: count("healthy"),
                unhealthy: count("unhealthy"),
                stopped: count("stopped"),
                unknown: count("unknown"),
            }),
        }
    }
}

/// The two largest units.
fn in_words(time: TimeDelta) -> String {
    let (days, hours) = (time.num_days(), time.num_hours() % 24);
    let (minutes, seconds) = (time.num_minutes() % 60, time.num_seconds() % 60);
    match (days, hours, minutes) {
        (1.., _, _) => format!("{days}d {hours}h"),
        (_, 1.., _) => format!("{hours}h {minutes}m"),
        (_, _, 1..) => format!("{minutes}m {seconds}s"),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn now() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn of(services: &Value) -> (&'static str, String) {
        let status = Status::of(Some(services), now());
        (status.status, status.uptime)
    }

    #[test]
    fn the_whole_is_as_the_registry_says() {
        let since = "2026-11-21T08:58:30Z";
        assert_eq!(of(&json!({"status": "healthy", "up_since": since})), ("running", "3h 1m".to_owned()));
        assert_eq!(of(&json!({"status": "unhealthy", "up_since": since})).0, "degraded");
        assert_eq!(of(&json!({"status": "unknown", "up_since": since})).0, "starting");
        assert_eq!(of(&json!({"status": "unknown", "up_since": null})), ("unknown", "unknown".to_owned()));
        let away = Status::of(None, now());
        assert_eq!((away.status, away.uptime.as_str(), away.services), ("unknown", "unknown", None));
    }

    #[test]
    fn an_uptime_has_its_two_largest_units() {
        for (seconds, words) in [(5, "5s"), (65, "1m 5s"), (3_600, "1h 0m"), (180_000, "2d 2h")] {
            assert_eq!(in_words(TimeDelta::seconds(seconds)), words);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_registry_says_has_an_answer(status in ".{0,20}", since in ".{0,40}", healthy in any::<i64>()) {
            let status = Status::of(Some(&json!({"status": status, "up_since": since, "healthy": healthy})), now());
            prop_assert!(!status.uptime.is_empty());
        }
    }
}
