//! What stands between a trigger and a function's answer, beside the host itself.

use std::{collections::BTreeMap, sync::Arc};

use crate::{chaos::Chaos, record::Recorder, remote::Remote};

/// The same for every function of a host; by default there is nothing in between.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// Where functions run that do not run here, by logical id.
    pub remotes: BTreeMap<String, Arc<Remote>>,
    /// Faults to inject.
    pub chaos: Option<Arc<Chaos>>,
    /// Keeps what is delivered.
    pub recorder: Option<Recorder>,
}
