//! Sets of numbers on their way through stages: what a message is, what each stage makes of it, and what travels with it.
//!
//! A message is a JSON object. It comes into the topic `start` as `{"numbers": [...]}`, integers of any size, and each stage
//! adds one field to it (the first writes `numbers` anew), so that the message in `finish` tells everything:
//!
//! 1. [`validate`]: `numbers` as plain integers, in their order. What is none fails the whole message.
//! 2. [`factorise`]: `factors`, a text a number: `"2^2*3"`, or `"unfactored"` where that is too much work.
//! 3. [`classify`]: `classes`, the positions of primes, squares, perfect numbers and so on.
//! 4. [`summarise`]: `summary`, exact: sum, mean as a fraction, median and so on.
//! 5. [`digest`]: `digest`, the SHA-256 of the message before it.
//!
//! **A sixth stage** is one pure function and one entry in the template. The function, in a file of its own, takes the
//! message and returns the JSON of its field (`fn(&Message<'_>) -> Result<String, Fault>`); it stands as the last row in
//! [`STAGES`], and with that the fifth writes to `stage5` and the sixth to `finish`. In the template, `NumbersStage6` and
//! `NumbersStage6Events` are those of the fifth with `STAGE: '6'` and the topic `stage5`. Its rows are in the table
//! `number_stages` as all others are.

pub mod classify;
pub mod digest;
pub mod factorise;
mod factors;
mod generate;
mod headers;
mod id;
mod message;
pub mod summarise;
#[cfg(test)]
mod tests;
pub mod validate;

pub use generate::{Sets, SetsError};
pub use headers::Tag;
pub use id::{IdError, MessageId};
pub use message::Message;

/// Largest value that may come into `start`, and all of its numbers written out: 1 MB.
pub const INPUT_BYTES: usize = 1_048_576;

/// Largest value in any topic. In base64, with what stands around it, it fits into the 6 MB that Lambda hands over.
pub const MESSAGE_BYTES: usize = 4_600_000;

/// Most numbers in a message.
pub const COUNT: usize = 100_000;

/// Most decimal digits of a number.
pub const DIGITS: usize = 100_000;

/// Longest key of a record, in bytes.
pub const KEY_BYTES: usize = 4_096;

/// Why a message can never pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Fault {
    /// Which rule it breaks: one word, the same for all messages that break it.
    pub rule: &'static str,
    /// What was found, where, and what was expected.
    pub reason: String,
}

impl Fault {
    pub(crate) fn new(rule: &'static str, reason: impl Into<String>) -> Self {
        Self { rule, reason: reason.into() }
    }
}

/// One stage.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// From 1.
    pub number: u8,
    /// What it does, in a word.
    pub name: &'static str,
    /// The field of the message that it writes.
    pub field: &'static str,
    run: fn(&Message<'_>) -> Result<String, Fault>,
}

/// All stages, in their order.
pub const STAGES: [Stage; 5] = [
    Stage { number: 1, name: "validate", field: "numbers", run: validate::run },
    Stage { number: 2, name: "factorise", field: "factors", run: factorise::run },
    Stage { number: 3, name: "classify", field: "classes", run: classify::run },
    Stage { number: 4, name: "summarise", field: "summary", run: summarise::run },
    Stage { number: 5, name: "digest", field: "digest", run: digest::run },
];

/// Where messages come in.
pub const START: &str = "start";

/// Where they come out.
pub const FINISH: &str = "finish";

impl Stage {
    /// The stage of this number.
    #[must_use]
    pub fn of(number: u8) -> Option<&'static Self> {
        STAGES.iter().find(|stage| stage.number == number)
    }

    /// The topic that it reads: `start`, and `stage1` and so on.
    #[must_use]
    pub fn input_topic(&self) -> String {
        if self.number == 1 { START.to_owned() } else { format!("stage{}", self.number - 1) }
    }

    /// The topic that it writes: `stage1` and so on, and `finish` for the last.
    #[must_use]
    pub fn output_topic(&self) -> String {
        if usize::from(self.number) == STAGES.len() { FINISH.to_owned() } else { format!("stage{}", self.number) }
    }

    /// The value that goes on, for the value that came in. The same value always gives the same.
    ///
    /// # Errors
    /// When the value is no message, breaks a limit, or lacks what this stage needs.
    pub fn apply(&self, value: &[u8]) -> Result<String, Fault> {
        let limit = if self.number == 1 { INPUT_BYTES } else { MESSAGE_BYTES };
        let message = Message::parse(value, limit)?;
        let output = message.with(self.field, &(self.run)(&message)?);
        if output.len() > MESSAGE_BYTES {
            let reason = format!("the output has {} bytes, expected at most {MESSAGE_BYTES}", output.len());
            return Err(Fault::new("output", reason));
        }
        Ok(output)
    }
}
