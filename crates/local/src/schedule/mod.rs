//! Schedules: when they fire ([`expression`]) and what they send ([`event`]). Pure: no clock, no timer.

mod cron;
pub mod event;
pub mod expression;
