//! Settings from the environment.

use domain::numbers::{START, Sets};
use kit::Env;

/// Most messages a second.
const RATE: u32 = 20_000;

/// What to post, and how fast.
#[derive(Debug, Clone)]
pub struct Config {
    /// `NUMBERS_RATE` (1): messages a second, all together, up to 20,000. 0 posts nothing. One a second shows a newcomer that
    /// something moves, and is nothing to a machine.
    pub rate: u32,
    /// `NUMBERS_SEED` (1), `NUMBERS_COUNT` (3): numbers in a message; `NUMBERS_MIN` (0) and `NUMBERS_MAX` (1000000000): the range
    /// from which they are drawn, both included.
    pub sets: Sets,
    /// `NUMBERS_TOPIC_PREFIX`, with `start` behind it.
    pub topic: String,
}

impl Config {
    /// Reads the variables.
    pub fn read(env: &mut Env) -> Self {
        let (seed, count) = (env.parsed_or("NUMBERS_SEED", 1), env.parsed_or("NUMBERS_COUNT", 3));
        let (min, max) = (env.parsed_or("NUMBERS_MIN", 0), env.parsed_or("NUMBERS_MAX", 1_000_000_000));
        let sets = Sets::new(seed, count, min, max).unwrap_or_else(|error| {
            env.fault(format!("NUMBERS_COUNT, NUMBERS_MIN, NUMBERS_MAX: {error}"));
            Sets::default()
        });
        let rate = env.parsed_or("NUMBERS_RATE", 1);
        if rate > RATE {
            env.fault(format!("NUMBERS_RATE is {rate}, expected at most {RATE} messages a second"));
        }
        let prefix = env.optional("NUMBERS_TOPIC_PREFIX").unwrap_or_default();
        Self { rate, sets, topic: format!("{prefix}{START}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_told_at_once() {
        let mut env = Env::from_pairs([("NUMBERS_RATE", "20001"), ("NUMBERS_MIN", "5"), ("NUMBERS_MAX", "4")]);
        Config::read(&mut env);
        let error = env.finish().unwrap_err().to_string();
        assert!(error.contains("NUMBERS_RATE is 20001") && error.contains("the largest 4"), "{error}");
        let mut env = Env::from_pairs([("NUMBERS_TOPIC_PREFIX", "mine-")]);
        let config = Config::read(&mut env);
        assert_eq!((config.rate, config.topic.as_str()), (1, "mine-start"));
        env.finish().unwrap();
    }
}
