//! The RabbitMQ source.

pub(crate) mod batching;
pub(crate) mod broker;
pub(crate) mod event;
pub(crate) mod failures;
