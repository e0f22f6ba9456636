//! What is told of what was found. Pure: findings that are too old say nothing any more.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::{Past, Round, Row};

/// Findings of which nobody knows whether they still hold.
const STALE: TimeDelta = TimeDelta::minutes(1);

/// How the whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    /// Every service is healthy, or stopped on purpose.
    Healthy,
    /// One at least is not.
    Unhealthy,
    /// Nobody has looked for more than a minute, or of one at least nothing can be said.
    Unknown,
}

/// All services.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Services {
    /// How the whole is.
    pub status: Overall,
    /// Services that are healthy.
    pub healthy: usize,
    /// Services that are ill.
    pub unhealthy: usize,
    /// Services that somebody has stopped.
    pub stopped: usize,
    /// Services of which nothing is known.
    pub unknown: usize,
    /// Services in all.
    pub total: usize,
    /// Since when the system has been looked at without a break; none when nobody looks.
    pub up_since: Option<DateTime<Utc>>,
    /// When all were looked at last; none before the first look.
    pub checked_at: Option<DateTime<Utc>>,
    /// Seconds since then.
    pub age_seconds: Option<f64>,
    /// In the template's order.
    pub services: Vec<Service>,
}

/// A service, as the last look found it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Service {
    /// Of the function.
    pub name: String,
    /// `http`, `kafka` or `schedule`.
    pub kind: String,
    /// What triggers it, in words.
    pub trigger: String,
    /// Of an HTTP API.
    pub address: Option<String>,
    /// Its documentation.
    pub docs: Option<String>,
    /// `healthy`, `unhealthy`, `stopped`, or `unknown`.
    pub status: String,
    /// Since when it has been so.
    pub status_since: DateTime<Utc>,
    /// Of an HTTP API: how long `GET /health` took.
    pub response_time_ms: Option<f64>,
    /// When it was looked at.
    pub last_check: DateTime<Utc>,
    /// Seconds since then.
    pub age_seconds: f64,
    /// When it was last known to do its work.
    pub last_success: Option<DateTime<Utc>>,
    /// Of a Kafka function: records that wait.
    pub lag: Option<i64>,
    /// Of a Kafka function: the sum of its group's offsets; it grows by one a record.
    pub progress: Option<i64>,
    /// Why it is not healthy.
    pub error: Option<String>,
}

/// A service and how it was.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Detail {
    /// The last look.
    #[serde(flatten)]
    pub service: Service,
    /// The looks of the last hour, the newest first.
    pub history: Vec<Check>,
}

/// An earlier look.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Check {
    /// When.
    pub at: DateTime<Utc>,
    /// `healthy`, `unhealthy`, `stopped`, or `unknown`.
    pub status: String,
    /// Of an HTTP API: how long `GET /health` took.
    pub response_time_ms: Option<f64>,
    /// Of a Kafka function: records that waited.
    pub lag: Option<i64>,
    /// Of a Kafka function: the sum of its group's offsets.
    pub progress: Option<i64>,
}

pub(crate) fn services(rows: Vec<Row>, round: Option<Round>, now: DateTime<Utc>) -> Services {
    let services: Vec<Service> = rows.into_iter().map(|row| service(row, now)).collect();
    let count = |status: &str| services.iter().filter(|service| service.status == status).count();
    let (healthy, unhealthy, stopped, unknown) =
        (count("healthy"), count("unhealthy"), count("stopped"), count("unknown"));
    let status = match (unhealthy, unknown, services.len()) {
        (1.., _, _) => Overall::Unhealthy,
        (0, 1.., _) | (_, _, 0) => Overall::Unknown,
        _ => Overall::Healthy,
    };
    Services {
        status,
        healthy,
        unhealthy,
        stopped,
        unknown,
        total: services.len(),
        up_since: round.filter(|round| now - round.checked_at <= STALE).map(|round| round.up_since),
        checked_at: round.map(|round| round.checked_at),
        age_seconds: round.map(|round| age_seconds(round.checked_at, now)),
        services,
    }
}

pub(crate) fn detail(row: Row, history: Vec<Past>, now: DateTime<Utc>) -> Detail {
    let check = |Past { checked_at, status, response_time_ms, lag, progress }| Check {
        at: checked_at,
        status,
        response_time_ms,
        lag,
        progress,
    };
    Detail { service: service(row, now), history: history.into_iter().map(check).collect() }
}

fn service(row: Row, now: DateTime<Utc>) -> Service {
    let age_seconds = age_seconds(row.checked_at, now);
    let stale = now - row.checked_at > STALE;
    let (status, error) = if stale {
        let error = format!("nobody has looked for {age_seconds:.0} s; it was {} then", row.status);
        ("unknown".to_owned(), Some(error))
    } else {
        (row.status, row.error)
    };
    Service {
        name: row.name,
        kind: row.kind,
        trigger: row.trigger,
        docs: row.address.as_ref().map(|address| format!("{address}/docs")),
        address: row.address,
        status,
        status_since: if stale { row.checked_at } else { row.status_since },
        response_time_ms: row.response_time_ms,
        last_check: row.checked_at,
        age_seconds,
        last_success: row.last_success_at,
        lag: row.lag,
        progress: row.progress,
        error,
    }
}

/// To a tenth; clocks that differ a little do not make it negative.
pub(crate) fn age_seconds(at: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    ((now - at).as_seconds_f64().max(0.0) * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn row(status: &str) -> Row {
        Row {
            name: "an-api".to_owned(),
            kind: "http".to_owned(),
            trigger: "HTTP API".to_owned(),
            address: Some("http://localhost:1".to_owned()),
            status: status.to_owned(),
            status_since: at(-100),
            response_time_ms: Some(1.5),
            lag: None,
            progress: None,
            last_success_at: None,
            error: None,
            checked_at: at(0),
        }
    }

    fn overall(statuses: &[&str], seconds: i64) -> Overall {
        let rows = statuses.iter().map(|status| row(status)).collect();
        services(rows, Some(Round { up_since: at(-100), checked_at: at(0) }), at(seconds)).status
    }

    #[test]
    fn the_whole_is_as_its_worst_part_and_what_is_stopped_is_no_fault() {
        assert_eq!(overall(&["healthy", "stopped"], 60), Overall::Healthy);
        assert_eq!(overall(&["healthy", "unknown"], 0), Overall::Unknown);
        assert_eq!(overall(&["unknown", "unhealthy"], 0), Overall::Unhealthy);
        assert_eq!(overall(&[], 0), Overall::Unknown);
    }

    #[test]
    fn what_is_older_than_a_minute_is_unknown_and_says_how_old() {
        assert_eq!(overall(&["healthy"], 61), Overall::Unknown);
        let told = services(vec![row("healthy")], Some(Round { up_since: at(-100), checked_at: at(0) }), at(75));
        assert_eq!((told.up_since, told.age_seconds), (None, Some(75.0)));
        let service = &told.services[0];
        assert_eq!((service.status.as_str(), service.age_seconds), ("unknown", 75.0));
        assert_eq!(service.error.as_deref(), Some("nobody has looked for 75 s; it was healthy then"));
        assert_eq!(service.docs.as_deref(), Some("http://localhost:1/docs"));
    }
}
