//! How many invocations of one function may run at once, and who waits for a turn. The limit can change while they run.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{oneshot, watch};

/// The places of one function.
#[derive(Debug)]
pub(super) struct Concurrency {
    default: u32,
    state: Mutex<State>,
    running: watch::Sender<u32>,
}

#[derive(Debug)]
struct State {
    reserved: Option<u32>,
    running: u32,
    /// Who waits, in the order of coming. A sender that is dropped is a refusal.
    waiting: VecDeque<oneshot::Sender<Place>>,
}

/// The right to run one invocation; given back when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Concurrency>);

impl Concurrency {
    pub(super) fn new(reserved: Option<u32>, default: u32) -> Arc<Self> {
        let state = State { reserved, running: 0, waiting: VecDeque::new() };
        Arc::new(Self { default: default.max(1), state: Mutex::new(state), running: watch::Sender::new(0) })
    }

    /// A place at once, or in its turn. A reserved concurrency that is used up refuses at once (`None`), as on AWS;
    /// without one an invocation waits, because the machine's few processes stand for AWS's thousand.
    pub(super) async fn enter(self: &Arc<Self>) -> Option<Place> {
        let turn = {
            let mut state = self.lock();
            if state.running < state.limit(self.default) && state.waiting.is_empty() {
                state.running += 1;
                self.running.send_replace(state.running);
                return Some(Place(Arc::clone(self)));
            }
            if state.reserved.is_some() {
                return None;
            }
            let (sender, turn) = oneshot::channel();
            state.waiting.push_back(sender);
            turn
        };
        turn.await.ok()
    }

    /// What is reserved now.
    pub(super) fn reserved(&self) -> Option<u32> {
        self.lock().reserved
    }

    /// Reserves `reserved` places, or none. Invocations that run go on, even when there are more of them than places;
    /// those that wait get the places there are, and with a reservation the others are refused.
    pub(super) fn reserve(self: &Arc<Self>, reserved: Option<u32>) {
        self.lock().reserved = reserved;
        self.admit();
        if reserved.is_some() {
            self.refuse_waiting();
        }
    }

    /// Refuses everybody who waits.
    pub(super) fn refuse_waiting(&self) {
        let refused = std::mem::take(&mut self.lock().waiting);
        // Outside the lock: a drop may wake somebody who comes back.
        drop(refused);
    }

    /// Invocations under way.
    pub(super) fn running(&self) -> u32 {
        self.lock().running
    }

    /// Waits until none runs.
    pub(super) async fn wait_until_idle(&self) {
        // The sender lives as long as this.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    fn admit(self: &Arc<Self>) {
        let mut admitted = Vec::new();
        {
            let mut state = self.lock();
            while state.running < state.limit(self.default)
                && let Some(next) = state.waiting.pop_front()
            {
                state.running += 1;
                admitted.push(next);
            }
            self.running.send_replace(state.running);
        }
        for next in admitted {
            // Somebody who no longer waits gives the place back by dropping it.
            let _ = next.send(Place(Arc::clone(self)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn limit(&self, default: u32) -> u32 {
        self.reserved.unwrap_or(default)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut state = self.0.lock();
            state.running = state.running.saturating_sub(1);
            self.0.running.send_replace(state.running);
        }
        self.0.admit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_raised_limit_admits_who_waits_in_order() {
        let places = Concurrency::new(None, 1);
        let first = places.enter().await.unwrap();
        let (a, b) = (Arc::clone(&places), Arc::clone(&places));
        let second = tokio::spawn(async move { a.enter().await });
        tokio::task::yield_now().await;
        let third = tokio::spawn(async move { b.enter().await });
        tokio::task::yield_now().await;
        assert_eq!((places.running(), second.is_finished(), third.is_finished()), (1, false, false));
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert_eq!((places.running(), third.is_finished()), (1, false));
        places.reserve(Some(2));
        let third = third.await.unwrap().unwrap();
        assert_eq!(places.running(), 2);
        assert!(places.enter().await.is_none(), "a reservation that is used up refuses");
        drop((second, third));
        places.wait_until_idle().await;
    }

    #[tokio::test]
    async fn a_lowered_limit_ends_nobody_and_refuses_who_waits() {
        let places = Concurrency::new(None, 2);
        let held = [places.enter().await.unwrap(), places.enter().await.unwrap()];
        let waits = Arc::clone(&places);
        let waits = tokio::spawn(async move { waits.enter().await });
        tokio::task::yield_now().await;
        places.reserve(Some(1));
        assert!(waits.await.unwrap().is_none());
        assert_eq!((places.running(), places.reserved()), (2, Some(1)));
        let [one, two] = held;
        drop(one);
        assert!(places.enter().await.is_none(), "the one that still runs has the one place");
        drop(two);
        let _again = places.enter().await.unwrap();
        places.reserve(None);
        let _second = places.enter().await.unwrap();
    }

    #[tokio::test]
    async fn who_gave_up_waiting_holds_no_place() {
        let places = Concurrency::new(None, 1);
        let first = places.enter().await.unwrap();
        let waits = Arc::clone(&places);
        let gone = tokio::spawn(async move { waits.enter().await.is_some() });
        tokio::task::yield_now().await;
        gone.abort();
        let _ = gone.await;
        drop(first);
        assert_eq!(places.running(), 0);
        assert!(places.enter().await.is_some());
    }
}
