//! The github system: what a public event is, and what a poll of the API decides.

pub mod event;
pub mod poll;
