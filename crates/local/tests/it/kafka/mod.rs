//! The Kafka source.

mod batching;
mod event;
mod failures;
mod partial;
mod position;
mod sharing;
mod size;
