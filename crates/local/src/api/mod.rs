//! The AWS calls that the runner answers on one port, with AWS's own JSON, so that functions and tools use the SDKs and
//! the `aws` command unchanged: Lambda's Invoke and event source mappings, EventBridge Scheduler's schedules, MSK's
//! brokers. Beside them, under `/_millrace/`, the calls of our own command line.
//!
//! Deliberately absent: signatures are not checked. The port is on the loopback, and whoever reaches it owns the machine.

mod again;
mod control;
mod error;
mod functions;
mod invoke;
mod issuer;
mod mappings;
mod msk;
mod schedules;
mod settings;
mod streaming;

use std::sync::Arc;

use axum::Router;
use indexmap::IndexMap;

pub use again::{AgainLine, AgainRequest};
pub use control::{FunctionStatus, MappingStatus, ScheduleStatus, Status};
pub use mappings::Switching;
pub use settings::Settings;

use crate::{host::Host, mapping::Mapping, metrics::Metrics, schedule_source::ScheduleSource, services::Services};

/// What the calls act on.
#[derive(Debug)]
pub struct Stack {
    /// The functions.
    pub host: Host,
    /// The Kafka and RabbitMQ triggers.
    pub mappings: Vec<Arc<Mapping>>,
    /// What Prometheus is told.
    pub metrics: Arc<Metrics>,
    /// The schedules, by name.
    pub schedules: IndexMap<String, Arc<ScheduleSource>>,
    /// Name, port and system of each API.
    pub apis: Vec<(String, u16)>,
    /// What runs beside the functions.
    pub services: Services,
    /// Variables of the running stack.
    pub variables: std::collections::BTreeMap<String, String>,
    /// What was switched off or changed by a call, kept over restarts.
    pub settings: Settings,
    /// Which mappings are on their way to be enabled or disabled.
    pub switching: Switching,
}

/// All calls.
pub fn router(stack: Arc<Stack>) -> Router {
    Router::new()
        .merge(invoke::router())
        .merge(functions::router())
        .merge(streaming::router())
        .merge(issuer::router())
        .merge(mappings::router())
        .merge(schedules::router())
        .merge(msk::router())
        .merge(again::router())
        .merge(control::router())
        .fallback(error::unknown)
        .with_state(stack)
}
