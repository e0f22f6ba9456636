//! GitHub's `GET /events`, simulated, so that the whole of Millrace runs without a network, a token or a rate limit.
//!
//! What it does: a feed of public events of all types in realistic proportion, which moves on with time; 100 a page and
//! 300 in all; `ETag` and 304, `X-Poll-Interval`, `X-RateLimit-*`, `Link`; late events; faults on request; or the events
//! of a recorded file in place of invented ones.
//!
//! Beside `/events` it answers `GET /health`, `GET /_simulator/stats` (what it has served), and
//! `POST /_simulator/faults` with `{"kind": "429", "times": 3, "retry_after_seconds": 1}` (kinds 401, 403, 429, 500,
//! truncated, stale; `"page": 2` limits it to a page; `DELETE` forgets what is pending).
//!
//! What it deliberately does not do: keep anything. An event is a pure function of the seed and its sequence number, and
//! the feed of the seed and the time, so that a restart changes nothing and a test can say what time it is. Only the
//! edge ([`server`]) reads a clock, counts requests and remembers the faults that were asked for.

pub mod config;
pub mod event;
pub mod fault;
pub mod feed;
pub mod limit;
pub mod page;
mod payload;
mod random;
pub mod replay;
pub mod server;
mod world;
