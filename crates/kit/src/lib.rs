//! What every function needs and no system owns: the run loop with its [`Invocation`], configuration from the
//! environment ([`Env`], [`connections`]), logs ([`telemetry`]) and [`metrics`], Kafka batches with partial failures ([`kafka`]), RabbitMQ batches
//! ([`rabbitmq`]), and the HTTP edge ([`http`]).
//!
//! Deliberately absent: any event type or rule of a system (those live in `domain`), and any Kafka or Postgres client
//! (`kafka`, `pg`), so that a function links only what it uses.

pub mod connections;
pub mod crash;
mod ending;
mod env;
pub mod http;
mod invocation;
pub mod kafka;
pub mod metrics;
mod payload;
pub mod rabbitmq;
mod run;
mod secret;
pub mod secrets;
pub mod telemetry;
mod wire;

pub use env::{Env, EnvError};
pub use invocation::Invocation;
pub use run::{Error, run};
pub use secret::Secret;
