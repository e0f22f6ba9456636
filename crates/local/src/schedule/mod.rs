//! Schedules: when they fire ([`expression`]) and what they send ([`event`]). Pure: no clock, no timer.

pub mod event;
pub mod expression;
