//! What must hold in the model's world after every transaction, and in the end.

use super::world::{Row, Rows, Worker};
use super::*;

impl World {
    /// What must hold after every transaction.
    pub(super) fn check(&mut self) {
        for partition in 0..2 {
            // Whoever has had a map reads a whole prefix of the log where it says, or finds another epoch there.
            for (shard, epoch) in &self.history[partition] {
                let shard = &self.shards[*shard];
                let Some(seat) = shard.seats[partition].filter(|seat| seat.epoch == *epoch) else { continue };
                let mut expected: Rows = (0..seat.next_offset).map(|offset| (offset + 1, offset)).collect();
                if seat.next_offset > 0 {
                    expected.insert(0, seat.next_offset);
                }
                assert_eq!(shard.rows[partition], expected, "partition {partition}");
            }
            let (owner, epoch) = self.map[partition];
            let seat = self.shards[owner].seats[partition];
            let stored = seat.map_or(0, |seat| seat.next_offset);
            assert!(seat.is_none_or(|seat| seat.epoch == epoch), "the owner refuses who has the newest map");
            assert!(stored >= self.stored[partition], "what was stored is gone");
            self.stored[partition] = stored;
        }
    }

    /// All shards are back, one worker works, writers write.
    pub(super) fn come_to_rest(&mut self) {
        self.shards.iter_mut().for_each(|shard| shard.up = true);
        self.workers = [Worker::default(), Worker::default()];
        self.lease_is_free = true;
        for _ in 0..3_000 {
            self.work(0);
            self.now += Duration::from_secs(1);
            self.check();
        }
        for partition in [0, 1, 0, 1] {
            self.write(0, partition, i64::MAX / 2);
            self.write(0, partition, i64::MAX / 2);
        }
        self.check();
    }

    pub(super) fn check_at_rest(&self) {
        assert!(self.moves.iter().all(|row| row.progress.step.is_over()), "{:?}", self.moves);
        for partition in 0..2 {
            assert_eq!(self.stored[partition], self.log[partition], "partition {partition} is stuck");
            let left = |row: &Row| row.partition == partition && row.progress.attempts >= MOST_UNDOS;
            for at in (0..3).filter(|at| *at != self.map[partition].0) {
                let leaves = self.moves.iter().any(|row| left(row) && row.to == at);
                assert!(self.shards[at].rows[partition].is_empty() || leaves, "partition {partition} is in two places");
            }
        }
    }
}
