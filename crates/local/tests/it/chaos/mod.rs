//! Injected faults.

pub(crate) mod faults;
pub(crate) mod kafka;

use std::sync::Arc;

use millrace::{chaos::Chaos, host::Paths};

/// A way on which these faults happen.
fn with(specification: &str, seed: u64) -> (Paths, Arc<Chaos>) {
    let chaos = Arc::new(Chaos::new(specification.parse().unwrap(), seed));
    (Paths { chaos: Some(Arc::clone(&chaos)), ..Paths::default() }, chaos)
}

/// How often a fault was injected, on all streams together.
fn injected(chaos: &Chaos, fault: &str) -> u64 {
    chaos.status().streams.iter().filter_map(|stream| stream.injected.get(fault)).sum()
}
