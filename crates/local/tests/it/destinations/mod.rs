//! Records that leave the runner, and the queues, topics and buckets that it makes.

pub(crate) mod batches;
pub(crate) mod resources;
