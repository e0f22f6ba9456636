//! RabbitMQ batches as Lambda delivers them, with headers, dates and data decoded.
//!
//! `aws_lambda_events` cannot read what Lambda sends: there every message must have a priority and a delivery mode, which
//! are null unless the publisher set them. There is no partial failure: a handler's error returns the whole batch to its
//! queue, and an answer acknowledges all of it.

mod event;
mod header;

pub use event::{Message, Properties, RabbitMqEvent};
pub use header::Header;
