//! The crash points of a move (`kit::crash`).

/// All points, in the order of a move's way.
pub const POINTS: [&str; 14] = [
    // The target has its tables, and no seat for the partition.
    "prepare.migrated",
    // The target has a seat, the master does not know it.
    "prepare.seated",
    // Pieces are at the target, the master does not know it.
    "copy.piece-copied",
    // The target was asked whether it is there, the source is not frozen.
    "freeze.target-taken",
    // The source is frozen, the master does not know it.
    "freeze.frozen",
    // A piece that differed was copied again, and not compared.
    "verify.piece-copied",
    // Pieces are equal, the master does not know it.
    "verify.pieces-equal",
    // The epoch is reserved, the target does not know it.
    "admit.reserved",
    // The target would take writes, the master does not know it.
    "admit.admitted",
    // The map is switched, the caller does not know it.
    "switch.switched",
    // The source knows that it has the partition no more, the master does not know that.
    "depart.departed",
    // Some of the source's rows are deleted.
    "clean.piece-deleted",
    // The source goes on, the master does not know it.
    "thaw.thawed",
    // Some of the target's rows are deleted.
    "undo.piece-deleted",
];

/// The step `name` is done. `name` is one of [`POINTS`].
#[inline]
pub(crate) fn point(name: &'static str) {
    debug_assert!(POINTS.contains(&name), "crash point {name} is not in POINTS");
    kit::crash::point(name);
}
