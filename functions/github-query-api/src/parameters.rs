//! What the resources accept.

use chrono::{DateTime, Utc};
use kit::http::{Problem, Query};
use lake::github;
use serde::{Deserialize, Serialize};

use crate::cursor::Cursor;

const NAMES: [&str; 10] =
    ["hours_back", "event_type", "repo", "actor", "org", "since", "until", "page_size", "cursor", "explain"];
/// Ten years.
pub(crate) const HOURS_MAX: u32 = 87_600;
pub(crate) const HOURS_DEFAULT: u32 = 24;
/// A year: the answer has a line an hour.
pub(crate) const STATS_HOURS_MAX: u32 = 8_784;
pub(crate) const PAGE_MAX: usize = 1_000;
pub(crate) const PAGE_DEFAULT: usize = 100;
/// The longest of GitHub's type names has 29 characters, an owner's or a user's name 39, a repository's 100.
const TYPE_MAX: usize = 64;
const LOGIN_MAX: usize = 100;
const REPO_MAX: usize = 200;

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;
/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// Which events are asked for, as it was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours_back: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// Microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

impl Filters {
    fn parse(query: &Query) -> Result<Self, Problem> {
        let text = |name| query.text(name).map(str::to_owned);
        let hours_back = match query.text("hours_back") {
            Some(_) => Some(query.number("hours_back", HOURS_DEFAULT, 1..=HOURS_MAX)?),
            None => None,
        };
        let filters = Self {
            hours_back,
            event_type: text("event_type"),
            repo: text("repo"),
            actor: text("actor"),
            org: text("org"),
            since: time(query, "since")?,
            until: time(query, "until")?,
        };
        filters.check()?;
        Ok(filters)
    }

    /// # Errors
    /// 400 that names the parameter whose value cannot be one.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.hours_back.is_some_and(|hours| !(1..=HOURS_MAX).contains(&hours)) {
            return Err(Problem::bad_parameter("hours_back", "is out of range", "1 to 87600"));
        }
        let check = |name, value: &Option<String>, is_one: fn(&str) -> bool, accepted| match value {
            Some(value) if !is_one(value) => Err(Problem::bad_parameter(name, "is none that GitHub has", accepted)),
            _ => Ok(()),
        };
        check(
            "event_type",
            &self.event_type,
            is_type,
            "an event type such as PushEvent: 1 to 64 letters, digits or _",
        )?;
        check("repo", &self.repo, is_repo, "owner/name, such as rust-lang/rust")?;
        check("actor", &self.actor, is_login, "a user's name such as octocat or dependabot[bot]")?;
        check("org", &self.org, is_login, "an organisation's name such as rust-lang")?;
        if self.since.is_some() && self.hours_back.is_some() {
            return Err(Problem::bad_parameter("since", "stands beside hours_back", "one of the two"));
        }
        if self.since.zip(self.until).is_some_and(|(since, until)| until <= since) {
            return Err(Problem::bad_parameter("until", "is not after since", "a time after since"));
        }
        Ok(())
    }

    /// From when on (that microsecond included) until when (not included).
    pub(crate) fn window(&self, now: DateTime<Utc>) -> (i64, i64) {
        let until = self.until.unwrap_or(i64::MAX);
        let back = i64::from(self.hours_back.unwrap_or(HOURS_DEFAULT)) * HOUR;
        let end = self.until.unwrap_or_else(|| now.timestamp_micros());
        (self.since.unwrap_or_else(|| end.saturating_sub(back)), until)
    }

    /// How the window moves with time: the hours that it reaches back from now, none when it stands still.
    pub(crate) fn moving(&self) -> Option<i64> {
        let stands = self.since.is_some() || self.until.is_some();
        (!stands).then(|| i64::from(self.hours_back.unwrap_or(HOURS_DEFAULT)) * HOUR)
    }

    /// The columns that must have a value.
    pub(crate) fn equal(&self) -> Vec<(usize, String)> {
        let columns = [
            (github::TYPE, &self.event_type),
            (github::REPO_NAME, &self.repo),
            (github::ACTOR_LOGIN, &self.actor),
            (github::ORG_LOGIN, &self.org),
        ];
        columns.into_iter().filter_map(|(column, value)| Some((column, value.clone()?))).collect()
    }
}

/// The parameters of `GET /events`, checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub filters: Filters,
    pub page_size: usize,
    /// Of a walk that goes on: its filters are those of `filters`.
    pub cursor: Option<Cursor>,
    pub explain: bool,
}

impl Parameters {
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(query, &NAMES)?;
        let (filters, explain) = (Filters::parse(&query)?, flag(&query, "explain")?);
        let cursor = query.text("cursor").map(Cursor::decode).transpose()?;
        let default = cursor.as_ref().map_or(PAGE_DEFAULT, |cursor| cursor.page_size);
        let page_size = query.number("page_size", default, 1..=PAGE_MAX)?;
        let Some(cursor) = cursor else { return Ok(Self { filters, page_size, cursor: None, explain }) };
        if filters != Filters::default() && filters != cursor.filters {
            let accepted = "beside a cursor the parameters that its walk began with, or none but page_size and explain";
            return Err(Problem::bad_parameter("cursor", "is of a walk with other parameters", accepted));
        }
        Ok(Self { filters: cursor.filters.clone(), page_size, cursor: Some(cursor), explain })
    }
}

/// The parameters of `GET /stats`, checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StatsParameters {
    pub hours_back: u32,
    pub explain: bool,
}

impl StatsParameters {
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(query, &["hours_back", "explain"])?;
        Ok(Self {
            hours_back: query.number("hours_back", HOURS_DEFAULT, 1..=STATS_HOURS_MAX)?,
            explain: flag(&query, "explain")?,
        })
    }

    /// From when on: a full minute, so that the same question asked again within it has the same answer.
    pub(crate) fn since(&self, now: DateTime<Utc>) -> i64 {
        let since = now.timestamp_micros() - i64::from(self.hours_back) * HOUR;
        since - since.rem_euclid(MINUTE)
    }
}

fn flag(query: &Query, name: &str) -> Result<bool, Problem> {
    match query.text(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Problem::bad_parameter(name, &format!("is {other:?}"), "true or false")),
    }
}

fn time(query: &Query, name: &str) -> Result<Option<i64>, Problem> {
    let Some(text) = query.text(name) else { return Ok(None) };
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Ok(Some(time.timestamp_micros())),
        Err(_) => {
            let accepted = "a time of RFC 3339 such as 2026-11-21T08:00:00Z (a + percent-encoded, %2B)";
            Err(Problem::bad_parameter(name, &format!("is {text:?}"), accepted))
        }
    }
}

fn is_type(text: &str) -> bool {
    (1..=TYPE_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.[]".contains(&byte))
}

fn is_login(text: &str) -> bool {
    text.len() <= LOGIN_MAX && is_name(text)
}

fn is_repo(text: &str) -> bool {
    text.len() <= REPO_MAX && text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

/// Refuses every parameter.
pub(crate) fn none(query: Option<&str>) -> Result<(), Problem> {
    Query::parse(query, &[]).map(|_| ())
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
