//! The flags, each with its variable.

use clap::Parser;
use std::path::PathBuf;

/// Serves GitHub's public events API on 127.0.0.1, with invented or recorded events.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// The port; 0 takes any that is free
    #[arg(long, env = "MILLRACE_PORT_GITHUB_SIMULATOR", default_value_t = 8099)]
    pub port: u16,

    /// The same seed gives the same events at the same time
    #[arg(long, env = "GITHUB_SIMULATOR_SEED", default_value_t = 1)]
    pub seed: u64,

    /// Events a second. The feed shows 300, so that with 5 a second it reaches a minute back
    #[arg(long, env = "GITHUB_SIMULATOR_RATE", default_value_t = 5.0, value_parser = rate)]
    pub rate: f64,

    /// Of 1,000 events, how many appear 30 seconds to 6 hours late
    #[arg(long, env = "GITHUB_SIMULATOR_LATE_PER_MILLE", default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=500))]
    pub late_per_mille: u64,

    /// Seconds in `X-Poll-Interval`; the feed is renewed as often. GitHub says 60; the default keeps a demonstration lively
    #[arg(long, env = "GITHUB_SIMULATOR_POLL_INTERVAL", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub poll_interval: u32,

    /// Requests an hour with a token
    #[arg(long, env = "GITHUB_SIMULATOR_RATE_LIMIT", default_value_t = 5_000)]
    pub rate_limit: u64,

    /// Requests an hour without a token. GitHub allows 60, too few for the short poll interval
    #[arg(long, env = "GITHUB_SIMULATOR_RATE_LIMIT_ANONYMOUS", default_value_t = 5_000)]
    pub rate_limit_anonymous: u64,

    /// The one token that is answered with 401; every other is good
    #[arg(long, env = "GITHUB_SIMULATOR_BAD_TOKEN", default_value = "bad-token")]
    pub bad_token: String,

    /// Serve this file (one event a line, as in GH Archive, decompressed) in place of invented events
    #[arg(long, env = "GITHUB_SIMULATOR_REPLAY", value_name = "FILE")]
    pub replay: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=100_000.0).contains(&rate) => Ok(rate),
        _ => Err("must be a number from 0.01 to 100000".to_owned()),
    }
}

impl Config {
    /// The defaults on a free port, for tests; variables of the environment have no say.
    pub fn for_test() -> Self {
        Self {
            port: 0,
            seed: 1,
            rate: 5.0,
            late_per_mille: 20,
            poll_interval: 1,
            rate_limit: 5_000,
            rate_limit_anonymous: 5_000,
            bad_token: "bad-token".to_owned(),
            replay: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_are_consistent() {
        Config::command().debug_assert();
    }

    #[test]
    fn a_rate_must_be_positive() {
        assert!(Config::try_parse_from(["x", "--rate", "0"]).is_err());
        assert!(Config::try_parse_from(["x", "--rate", "NaN"]).is_err());
        assert_eq!(Config::try_parse_from(["x", "--rate", "0.5"]).unwrap().rate, 0.5);
    }
}
