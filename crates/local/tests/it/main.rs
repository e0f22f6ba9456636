//! What `millrace conformance` promises, against real processes, brokers and storage, by the runner's public API. Functions
//! are small Python programs that speak the Runtime API; a template in the test says how they are set up and triggered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml frees #[test] functions only, not what they share"
)]

#[macro_use]
mod cases;

mod asynchronous;
mod chaos;
mod destinations;
mod host;
mod http;
mod kafka;
mod paths;
mod pattern;
mod rabbitmq;
mod redrive;
mod replay;
mod schedules;
mod support;
mod template;

fn main() {
    let mut arguments = libtest_mimic::Arguments::from_args();
    // Most of a case is waiting: for a process, a window, a broker.
    arguments.test_threads.get_or_insert(8);
    libtest_mimic::run(&arguments, cases::trials()).exit();
}
