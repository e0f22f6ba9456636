//! What the processes of a function use together: those that run, and those that have ended.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::memory;

/// Ticks of `/proc/<pid>/stat` a second: the kernel shows 100 on every architecture, whatever it counts in.
const TICKS: f64 = 100.0;

/// The processes of one function.
#[derive(Debug, Default)]
pub(super) struct Processes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Processor time of each process when it was last looked at.
    seconds: BTreeMap<u32, f64>,
    ended_seconds: f64,
}

/// What processes use. Zero where the system does not tell (anything but Linux).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Processor time of all processes, those that have ended included; never less than before. What a process used
    /// after it was last looked at is missing when it ended by itself.
    pub cpu_seconds: f64,
    /// Resident memory of those that run.
    pub resident_bytes: u64,
}

impl Processes {
    /// A process has started.
    pub(super) fn began(&self, pid: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seconds.insert(pid, 0.0);
    }

    /// A process is about to be ended.
    pub(super) fn ending(&self, pid: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).look(pid);
    }

    /// A process is gone.
    pub(super) fn ended(&self, pid: u32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended_seconds += state.seconds.remove(&pid).unwrap_or_default();
    }

    /// Looks at all of them.
    pub(super) fn usage(&self) -> Usage {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pids: Vec<u32> = state.seconds.keys().copied().collect();
        for pid in &pids {
            state.look(*pid);
        }
        let cpu_seconds = state.ended_seconds + state.seconds.values().sum::<f64>();
        Usage { cpu_seconds, resident_bytes: pids.into_iter().filter_map(memory::resident_bytes).sum() }
    }
}

impl State {
    fn look(&mut self, pid: u32) {
        let (Some(seen), Some(now)) = (self.seconds.get_mut(&pid), cpu_seconds(pid)) else { return };
        *seen = seen.max(now);
    }
}

fn cpu_seconds(pid: u32) -> Option<f64> {
    of_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// User and system time. The second field is the program's name in parentheses, which may hold anything.
fn of_stat(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut ticks = after_name.split_ascii_whitespace().skip(11).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_stand_behind_a_name_with_anything_in_it() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 1 0 0 0 150 25 9 9 20 0 1 0 1 1 1 1";
        assert_eq!(of_stat(stat), Some(1.75));
        for nonsense in ["", "7 (a", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 4194304 1 0 0 0 x 25"] {
            assert_eq!(of_stat(nonsense), None, "{nonsense}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn time_of_a_process_that_has_ended_stays() {
        let (processes, pid) = (Processes::default(), std::process::id());
        processes.began(pid);
        let mut turns = 0_u64;
        while processes.usage().cpu_seconds == 0.0 {
            turns = turns.wrapping_add(1);
            assert!(turns < 10_000_000, "no tick of processor time");
        }
        let running = processes.usage();
        assert!(running.resident_bytes > 0, "{running:?}");
        processes.ending(pid);
        processes.ended(pid);
        let ended = processes.usage();
        assert!(ended.cpu_seconds >= running.cpu_seconds && ended.resident_bytes == 0, "{ended:?} after {running:?}");
    }
}
