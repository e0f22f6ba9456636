//! What this runner promises about Lambda's behaviour, a line a rule. `millrace conformance` prints them; each is checked
//! by the case of the same id in `tests/it/cases.rs`, against real processes and a real broker.
//!
//! Deliberately absent: the checks themselves, which need those.

mod asynchronous;
mod destinations;
mod host;
mod http;
mod kafka;
mod paths;
mod pattern;
mod rabbitmq;
mod schedules;
mod template;

/// One promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Rule {
    /// `kafka.batching.a-batch-has-no-more-than-its-size`: source, subject, rule.
    pub id: &'static str,
    /// The rule as a sentence.
    pub text: &'static str,
    /// The page of the AWS documentation that says so (`lambda/latest/dg/with-kafka.html`); empty: a promise of our own.
    pub source: &'static str,
}

/// All rules.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        kafka::RULES,
        rabbitmq::RULES,
        asynchronous::RULES,
        pattern::RULES,
        destinations::RULES,
        host::RULES,
        http::RULES,
        paths::RULES,
        template::RULES,
        schedules::RULES,
    ]
    .into_iter()
    .flatten()
}
