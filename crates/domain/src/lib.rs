//! Event types, ids and pure rules. A module a system, and none imports another.
//!
//! Deliberately absent: tokio, AWS, I/O, clocks and randomness. What a rule needs to know of the world, the time
//! among it, is an argument; so every rule here is tested without starting anything.

pub mod github;
pub mod lake;
pub mod numbers;
pub mod posts;
