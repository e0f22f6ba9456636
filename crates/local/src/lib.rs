//! `millrace`: runs a SAM template of Rust functions whole on one machine. It starts the services that the functions
//! need, hosts the functions as processes, and drives them with their triggers as AWS would.
//!
//! - [`template`] reads the template, [`instance`] knows one running stack's folder, [`ports`] chooses its ports, [`issuer`] signs its tokens;
//! - [`services`] starts what `localstack/` describes, [`build`] calls cargo, [`host`] runs functions, [`watch`] reloads them;
//! - [`kafka_source`], [`rabbitmq_source`] (both are a [`mapping`]), [`schedule_source`] and [`gateway`] are the triggers, [`api`] answers AWS calls, [`metrics`] tells Prometheus;
//! - [`pattern`] is what filters of event source mappings are written in;
//! - [`destination`] sends what failed or succeeded to queues, topics and buckets;
//! - [`lint`] names what loses data or surprises;
//! - [`stack`] puts them together, [`cli`] is the command line, [`conformance`] lists what is promised.
//!
//! Deliberately absent: any knowledge of a function or a system. What is of one system belongs to its functions and to
//! the template; what stands in for a service belongs to `localstack/`.

pub mod api;
pub mod build;
pub mod chaos;
pub mod cli;
pub mod conformance;
pub mod destination;
pub mod gateway;
pub mod host;
pub mod instance;
pub mod issuer;
pub mod kafka_source;
pub mod lint;
pub mod mapping;
mod masked;
pub mod metrics;
pub mod pattern;
pub mod ports;
pub mod rabbitmq_source;
pub mod record;
pub mod remote;
pub mod schedule;
pub mod schedule_source;
pub mod services;
pub mod stack;
pub mod template;
pub mod watch;
