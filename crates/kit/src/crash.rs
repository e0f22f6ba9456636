//! Named crash points: the places between two steps where a process may die. Tests die there for real.
//!
//! A point names the step that is just done; whoever has points lists them, so that tests can go through all. With the
//! feature `testing` a task-local chooses one, and reaching it unwinds the task, so nothing after it runs, as with
//! `kill -9`; without the feature a point is nothing.

/// The step `name` is done.
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

    tokio::task_local! {
        /// Where this task dies.
        static AT: &'static str;
    }

    /// What unwinds a task, told apart from a test's own panics.
    struct Crashed;

    /// The step `name` is done.
    ///
    /// # Panics
    /// When this is where the task is to die.
    pub fn point(name: &'static str) {
        if AT.try_with(|at| *at == name).unwrap_or(false) {
            // Not `panic!`: the hook would print a trace of what is meant to be.
            resume_unwind(Box::new(Crashed));
        }
    }

    /// Runs `future` until it reaches the point `name` for the first time: `None`, it died there. `Some` when it ended
    /// without coming by. Tasks that the future spawns do not die.
    ///
    /// # Panics
    /// When the future panics for another reason.
    pub async fn at<F: Future>(name: &'static str, future: F) -> Option<F::Output> {
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
            for name in ["one", "two"] {
                tokio::task::yield_now().await;
                done.push(name);
                point(name);
            }
        }

        #[tokio::test]
        async fn a_task_dies_at_its_point_and_does_nothing_more() {
            let mut done = Vec::new();
            assert_eq!(at("one", steps(&mut done)).await, None);
            assert_eq!(done, ["one"]);
        }

        #[tokio::test]
        async fn a_task_lives_when_it_does_not_come_by_or_is_not_to_die() {
            let mut done = Vec::new();
            assert_eq!(at("three", steps(&mut done)).await, Some(()));
            steps(&mut done).await;
            assert_eq!(done.len(), 4);
        }
    }
}
