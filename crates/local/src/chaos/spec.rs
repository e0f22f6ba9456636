//! `crash=0.01,rebalance=30s`: what is to be injected.

use std::{str::FromStr, time::Duration};

/// What is accepted, for errors.
const ACCEPTED: &str = "crash, timeout, error, throttle and duplicate=<share from 0 to 1>, delay=<share>:<time>, \
                        rebalance=<time>; a time is 200ms, 30s or 5m";

/// The shortest time between two rebalances: each takes the group a moment.
const SHORTEST_REBALANCE: Duration = Duration::from_secs(1);

/// Shares of the invocations to which something happens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChaosSpec {
    /// The process is killed half-way.
    pub crash: f64,
    /// The process is killed as if its time were over.
    pub timeout: f64,
    /// The function works, and its answer is replaced by an error.
    pub error: f64,
    /// The invocation is refused before it reaches the function.
    pub throttle: f64,
    /// The event is delivered again after a success.
    pub duplicate: f64,
    /// The invocation waits so long first.
    pub delay: Option<(f64, Duration)>,
    /// Every so often each mapping's consumers leave their group and join again.
    pub rebalance: Option<Duration>,
}

impl FromStr for ChaosSpec {
    type Err = String;

    /// Reads `key=value,key=value`; the error names the key and what is accepted.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut spec = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) =
                part.split_once('=').ok_or(format!("{part:?} is not KEY=VALUE; accepted: {ACCEPTED}"))?;
            let wrong = |what: &str| format!("{key}={value}: {what}; accepted: {ACCEPTED}");
            match key {
                "crash" => spec.crash = share(value).map_err(wrong)?,
                "timeout" => spec.timeout = share(value).map_err(wrong)?,
                "error" => spec.error = share(value).map_err(wrong)?,
                "throttle" => spec.throttle = share(value).map_err(wrong)?,
                "duplicate" => spec.duplicate = share(value).map_err(wrong)?,
                "delay" => {
                    let (rate, delay) = value.split_once(':').ok_or_else(|| wrong("is not <share>:<time>"))?;
                    spec.delay = Some((share(rate).map_err(wrong)?, time(delay).map_err(wrong)?));
                }
                "rebalance" => {
                    let every = time(value).map_err(wrong)?;
                    if every < SHORTEST_REBALANCE {
                        return Err(wrong("is shorter than 1s"));
                    }
                    spec.rebalance = Some(every);
                }
                _ => return Err(format!("{key} is not a fault; accepted: {ACCEPTED}")),
            }
        }
        let together = spec.crash + spec.timeout + spec.error + spec.throttle;
        if together > 1.0 {
            return Err(format!("crash, timeout, error and throttle are {together} together; accepted: 1 at most"));
        }
        Ok(spec)
    }
}

fn share(text: &str) -> Result<f64, &'static str> {
    let share: f64 = text.parse().map_err(|_| "is not a number")?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("is not from 0 to 1") }
}

fn time(text: &str) -> Result<Duration, &'static str> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| "has no whole number before its unit")?;
    let time = match text.get(digits.len()..) {
        Some("ms") => Duration::from_millis(number),
        Some("s") => Duration::from_secs(number),
        Some("m") => Duration::from_secs(number.saturating_mul(60)),
        _ => return Err("has no unit"),
    };
    if time > Duration::from_secs(3600) { Err("is longer than an hour") } else { Ok(time) }
}

impl std::fmt::Display for ChaosSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rates = [
            ("crash", self.crash),
            ("timeout", self.timeout),
            ("error", self.error),
            ("throttle", self.throttle),
            ("duplicate", self.duplicate),
        ];
        let mut parts: Vec<String> =
            rates.iter().filter(|(_, rate)| *rate > 0.0).map(|(key, rate)| format!("{key}={rate}")).collect();
        parts.extend(self.delay.map(|(rate, delay)| format!("delay={rate}:{}ms", delay.as_millis())));
        parts.extend(self.rebalance.map(|every| format!("rebalance={}ms", every.as_millis())));
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_read_and_written() {
        let text = "crash=0.01,timeout=0.02,error=0.03,throttle=0.04,duplicate=0.5,delay=0.05:200ms,rebalance=30s";
        let spec: ChaosSpec = text.parse().unwrap();
        assert_eq!(spec.delay, Some((0.05, Duration::from_millis(200))));
        assert_eq!(spec.rebalance, Some(Duration::from_secs(30)));
        assert_eq!(spec.to_string().parse::<ChaosSpec>().unwrap(), spec);
    }

    #[test]
    fn an_error_names_the_key_and_what_is_accepted() {
        for (text, named) in [
            ("crash", "\"crash\" is not KEY=VALUE"),
            ("crash=often", "crash=often: is not a number"),
            ("crash=2", "crash=2: is not from 0 to 1"),
            ("crash=NaN", "crash=NaN: is not from 0 to 1"),
            ("rebalance=30", "rebalance=30: has no unit"),
            ("rebalance=10ms", "rebalance=10ms: is shorter than 1s"),
            ("delay=0.1", "delay=0.1: is not <share>:<time>"),
            ("delay=0.1:s", "delay=0.1:s: has no whole number"),
            ("delay=0.1:2h", "delay=0.1:2h: has no unit"),
            ("delay=0.1:61m", "is longer than an hour"),
            ("tombstone=1", "tombstone is not a fault"),
            ("crash=0.6,error=0.6", "1.2 together"),
        ] {
            let error = text.parse::<ChaosSpec>().unwrap_err();
            assert!(error.contains(named) && error.contains("accepted: "), "{text}: {error}");
        }
    }
}
