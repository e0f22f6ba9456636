//! The crash points of a batch (`kit::crash`).

/// All points, in the order of a batch's way; tests die at each of them.
pub const POINTS: [&str; 4] = [
    // Dead letters are acknowledged, nothing else is done.
    "stage.dead-letters-sent",
    // Postgres has the rows and the pending batch, Kafka has none of the outputs.
    "stage.stored",
    // Kafka has all outputs, Postgres does not know it.
    "stage.published",
    // Postgres knows, the caller does not.
    "stage.marked",
];

/// The step `name` is done. `name` is one of [`POINTS`].
pub(crate) fn point(name: &'static str) {
    debug_assert!(POINTS.contains(&name), "crash point {name} is not in POINTS");
    kit::crash::point(name);
}
