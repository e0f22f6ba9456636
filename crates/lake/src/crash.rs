//! Named crash points: the places between two steps where a process may die. Tests die there for real.
//!
//! A point names the step that is just done. With the feature `testing` a task-local chooses one, and reaching it
//! unwinds the task, so nothing after it runs, as with `kill -9`; without the feature a point is nothing.

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
#[cfg(not(feature = "testing"))]
#[inline]
pub fn point(_name: &'static str) {}

#[cfg(feature = "testing")]
pub use armed::{at, point};

#[cfg(feature = "testing")]
mod armed {
    use std::future::Future;
    use std::panic::{AssertUnwindSafe, resume_unwind};

    use futures::FutureExt;

    use super::POINTS;

    tokio::task_local! {
        /// Where this task dies.
        static AT: &'static str;
    }

    /// What unwinds a task, told apart from a test's own panics.
    struct Crashed;

    /// The step `name` is done. `name` is one of [`POINTS`].
    ///
    /// # Panics
    /// When this is where the task is to die, or nobody lists the name.
    pub fn point(name: &'static str) {
        assert!(POINTS.contains(&name), "crash point {name} is not in POINTS");
        if AT.try_with(|at| *at == name).unwrap_or(false) {
            // Not `panic!`: the hook would print a trace of what is meant to be.
            resume_unwind(Box::new(Crashed));
        }
    }

    /// Runs `future` until it reaches the point `name` for the first time: `None`, it died there. `Some` when it ended
    /// without coming by. Tasks that the future spawns do not die.
    ///
    /// # Panics
    /// When nobody lists the name, or the future panics for another reason.
    pub async fn at<F: Future>(name: &'static str, future: F) -> Option<F::Output> {
        assert!(POINTS.contains(&name), "crash point {name} is not in POINTS");
        match AssertUnwindSafe(AT.scope(name, future)).catch_unwind().await {
            Ok(output) => Some(output),
            Err(panic) if panic.is::<Crashed>() => None,
            Err(panic) => resume_unwind(panic),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        async fn steps(done: &mut Vec<&'static str>) {
            for name in ["stage.object-stored", "stage.registered"] {
                tokio::task::yield_now().await;
                done.push(name);
                point(name);
            }
        }

        #[test]
        fn each_point_belongs_to_a_test_that_dies_there() {
            // `crashes` and `maintaining` here and `crashes` of the writer function: each goes through all points of its
            // steps, and fails when one is not reached.
            let steps = ["stage.", "commit.", "clean.", "maintain."];
            for point in POINTS {
                assert!(steps.iter().any(|step| point.starts_with(step)), "{point}: no test goes through its step");
            }
        }

        #[tokio::test]
        async fn a_task_dies_at_its_point_and_does_nothing_more() {
            let mut done = Vec::new();
            assert_eq!(at("stage.object-stored", steps(&mut done)).await, None);
            assert_eq!(done, ["stage.object-stored"]);
        }

        #[tokio::test]
        async fn a_task_lives_when_it_does_not_come_by_or_is_not_to_die() {
            let mut done = Vec::new();
            assert_eq!(at("commit.marked", steps(&mut done)).await, Some(()));
            steps(&mut done).await;
            assert_eq!(done.len(), 4);
        }
    }
}
