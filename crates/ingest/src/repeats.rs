//! How long a table remembers what it has seen, from the environment: the same for its writers and its committer.

use std::time::Duration;

use kit::Env;
use lake::RepeatLimits;

/// Reads `LAKE_REPEAT_HOURS` (24 when not set) and `LAKE_REPEAT_IDS` (20,000,000; of the whole table; 0 remembers
/// nothing); faults are kept in `env`.
pub fn repeat_limits(env: &mut Env) -> RepeatLimits {
    let standard = RepeatLimits::default();
    let hours: u32 = env.parsed_or("LAKE_REPEAT_HOURS", 24);
    RepeatLimits {
        ids: env.parsed_or("LAKE_REPEAT_IDS", standard.ids),
        age: Duration::from_secs(u64::from(hours) * 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_a_day_and_20_million() {
        let mut env = Env::from_pairs::<&str, &str>([]);
        assert_eq!(repeat_limits(&mut env), RepeatLimits::default());
        let mut env = Env::from_pairs([("LAKE_REPEAT_HOURS", "1"), ("LAKE_REPEAT_IDS", "-5")]);
        assert_eq!(repeat_limits(&mut env).age, Duration::from_secs(3600));
        assert!(env.finish().unwrap_err().to_string().contains("LAKE_REPEAT_IDS"));
    }
}
