//! The Kafka source.

pub(crate) mod access;
pub(crate) mod batching;
pub(crate) mod event;
pub(crate) mod failures;
pub(crate) mod filtering;
pub(crate) mod partial;
pub(crate) mod position;
pub(crate) mod sharing;
pub(crate) mod size;
