//! The RabbitMQ event source: reads queues and drives functions as Lambda's event source mappings for Amazon MQ do.
//!
//! One [`Mapping`] a mapping of the template, with one poller: a consumer that holds no more messages than a batch has,
//! and one invocation at a time. A batch is acknowledged whole after the function's success, and returned whole to its
//! queue after anything else, from where it comes again, marked as redelivered, after a wait that grows with each failure.
//!
//! Deliberately absent: ActiveMQ, and whatever a queue decides itself (delivery limit, time to live, dead letters).

mod batch;
mod broker;
mod encode;
mod login;
mod mapping;
mod poller;
mod session;
mod shared;

pub use broker::Broker;
pub use mapping::Mapping;
