//! Kafka batches as Lambda delivers them: the event with its records decoded, and the partial failure response.
//!
//! `aws_lambda_events` has neither a response type for Kafka nor decoded values; a batch of 6 MB is decoded here in
//! one pass, base64 included.

mod event;
mod response;

pub use event::{KafkaEvent, Record};
pub use response::BatchResponse;
