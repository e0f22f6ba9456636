//! The poller against the simulator, a real Postgres and a real Kafka.

mod faults;
mod harness;
mod polling;
