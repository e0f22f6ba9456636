//! `token`: a token of the local issuer.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::{Map, Value, json};

use super::console;
use crate::{
    instance::Instance,
    issuer::{Issuer, VARIABLE},
};

/// What `token` takes.
#[derive(Debug, Args)]
pub(super) struct TokenArguments {
    /// Whom the token is for
    #[arg(long, default_value = "local-user", value_name = "SUBJECT")]
    sub: String,
    /// Its scopes, with spaces between
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// An audience; may stand several times. An authorizer takes a token only for one of its own
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// Another claim; may stand several times. What is JSON is taken as JSON, everything else as text
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = super::up::parse_parameter)]
    claims: Vec<(String, String)>,
    /// How long it holds: 90s, 15m, 1h, 7d
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = parse_time)]
    expires_in: Duration,
}

/// Prints the token and nothing else, so that it can stand in another command.
pub(super) fn run(instance: &Instance, arguments: &TokenArguments) -> anyhow::Result<()> {
    let running = instance.require_running()?;
    let address = running.exports.get(VARIABLE).context("this instance is of an older runner; start it again")?;
    let claims = claims(arguments, address, chrono::Utc::now().timestamp());
    console::line(Issuer::open(instance.dir())?.sign(&claims)?)?;
    Ok(())
}

fn claims(arguments: &TokenArguments, issuer: &str, now: i64) -> Map<String, Value> {
    let lives = i64::try_from(arguments.expires_in.as_secs()).unwrap_or(i64::MAX);
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    put("iss", json!(issuer));
    put("sub", json!(arguments.sub));
    put("iat", json!(now));
    put("exp", json!(now.saturating_add(lives)));
    put("jti", json!(uuid::Uuid::new_v4().to_string()));
    match arguments.audience.as_slice() {
        [] => {}
        [one] => put("aud", json!(one)),
        several => put("aud", json!(several)),
    }
    if let Some(scope) = &arguments.scope {
        put("scope", json!(scope));
    }
    for (name, value) in &arguments.claims {
        put(name, serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
    }
    claims
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; accepted: 90s, 15m, 1h, 7d");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match text.strip_prefix(digits).unwrap_or_default() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let seconds = |text: &str| parse_time(text).map(|time| time.as_secs()).ok();
        assert_eq!(
            [seconds("90"), seconds("90s"), seconds("15m"), seconds("7d")],
            [Some(90), Some(90), Some(900), Some(604_800)]
        );
        assert_eq!(
            [seconds(""), seconds("h"), seconds("1y"), seconds("-1s"), seconds("99999999999999999999d")],
            [None; 5]
        );
    }

    #[test]
    fn claims_are_json_where_they_can_be() {
        let arguments = TokenArguments {
            sub: "me".into(),
            scope: Some("a b".into()),
            audience: vec!["x".into(), "y".into()],
            claims: vec![
                ("n".into(), "5".into()),
                ("groups".into(), "[\"g\"]".into()),
                ("name".into(), "Ann B".into()),
            ],
            expires_in: Duration::from_secs(60),
        };
        let mut found = claims(&arguments, "http://i", 100);
        assert!(found.remove("jti").is_some());
        let expected = json!({"iss": "http://i", "sub": "me", "iat": 100, "exp": 160, "aud": ["x", "y"], "scope": "a b", "n": 5, "groups": ["g"], "name": "Ann B"});
        assert_eq!(Value::Object(found), expected);
    }
}
