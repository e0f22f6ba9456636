//! Schedules: when they fire ([`expression`], [`plan`]), what they send ([`event`]), and what follows when that cannot be
//! handed over ([`retry`]). Pure: no clock, no timer.

mod cron;
pub mod event;
pub mod expression;
pub mod plan;
pub mod retry;
