//! The crash points of a record's way, and of the table's upkeep (`kit::crash`).

#[cfg(feature = "testing")]
pub use kit::crash::at;

/// All points, in the order of a record's way. A test goes through this list, so a point that nothing reaches, and one
/// that is not in it, fail.
pub const POINTS: [&str; 13] = [
    // The writer: dead letters are acknowledged, nothing else is done.
    "stage.dead-letters-sent",
    // The segment's object lies on S3, Postgres does not know it.
    "stage.object-stored",
    // Postgres has the segment and its watermarks, the caller has no answer.
    "stage.registered",
    // The committer: some data files lie on S3, in no snapshot.
    "commit.file-written",
    // All of them do.
    "commit.files-written",
    // The table has the snapshot, Postgres does not know that the segments are in it.
    "commit.committed",
    // Postgres knows, the caller does not.
    "commit.marked",
    // The objects of committed segments are gone, their rows in Postgres are not.
    "clean.objects-deleted",
    // Maintenance: joined files lie on S3, in no snapshot.
    "maintain.files-joined",
    // A manifest lies on S3, no snapshot names it.
    "maintain.manifest-written",
    // New metadata lies on S3, the catalog points to the old one.
    "maintain.metadata-written",
    // The catalog points to the new one; what nothing reaches any more is noted.
    "maintain.swapped",
    // Some of that is deleted, and noted still.
    "maintain.objects-deleted",
];

/// The step `name` is done. `name` is one of [`POINTS`].
#[inline]
pub fn point(name: &'static str) {
    #[cfg(feature = "testing")]
    assert!(POINTS.contains(&name), "crash point {name} is not in POINTS");
    kit::crash::point(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_belongs_to_a_test_that_dies_there() {
        // `crashes` and `maintaining` here and `crashes` of the writer function: each goes through all points of its
        // steps, and fails when one is not reached.
        let steps = ["stage.", "commit.", "clean.", "maintain."];
        for point in POINTS {
            assert!(steps.iter().any(|step| point.starts_with(step)), "{point}: no test goes through its step");
        }
    }
}
