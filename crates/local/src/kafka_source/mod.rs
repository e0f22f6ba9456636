//! The Kafka event source: reads topics in a consumer group and drives functions as Lambda's event source mappings do.
//!
//! One [`Mapping`] a mapping of the template, with up to `MaximumPollers` pollers. A poller is one consumer on a thread
//! of its own: it collects a [`batch`](batch::Batch), delivers it, and commits offsets only for records that are
//! settled, which means done by the function or handed to the failure destination. What is not settled is retried
//! with its partition paused, while other partitions go on. While the function runs the poller still
//! [attends](attend) to its group, so that another member joins or leaves without waiting for it.
//!
//! Deliberately absent: schema registries and queue mode.

mod access;
mod again;
mod alone;
mod attend;
mod batch;
mod collect;
mod encode;
mod failure;
mod group;
mod mapping;
#[doc(hidden)]
pub mod measured;
mod outlet;
mod poller;
mod progress;
mod response;
mod retry;
mod shared;
mod start;

pub use access::cluster;
pub use again::{Again, From};
pub use mapping::Mapping;
