//! Who is killed, and how: always with signal 9, always a process of this instance, found below its runner.

use std::{collections::BTreeMap, process::Command};

use anyhow::Context;

use crate::{instance::Instance, records::mix};

/// What can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Victim {
    Writer,
    Committer,
    Kafka,
    Postgres,
    Ministack,
    Runner,
}

impl Victim {
    pub(crate) const ALL: [Self; 6] =
        [Self::Writer, Self::Committer, Self::Kafka, Self::Postgres, Self::Ministack, Self::Runner];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Committer => "committer",
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Ministack => "ministack",
            Self::Runner => "runner",
        }
    }
}

/// Kills what is meant and says what that was; `None` when nothing of it runs now.
pub(crate) fn kill(instance: &Instance, victim: Victim, dice: u64) -> anyhow::Result<Option<String>> {
    let processes = Processes::look()?;
    let runner = instance.runner()?;
    let one_of = |pids: Vec<u32>, what: &str| one_of(&pids, dice).map(|pid| (what.to_owned(), vec![pid]));
    let chosen = match victim {
        Victim::Writer => one_of(processes.named(runner, "github-lake-writer"), "writer"),
        Victim::Committer => one_of(processes.named(runner, "lake-committer"), "committer"),
        Victim::Kafka => instance.service("kafka").map(|pid| ("kafka".to_owned(), vec![pid])),
        Victim::Ministack => instance.service("ministack").map(|pid| ("ministack".to_owned(), vec![pid])),
        Victim::Postgres => postgres(instance, &processes, dice),
        Victim::Runner => Some(("runner".to_owned(), vec![runner])),
    };
    let Some((what, pids)) = chosen else { return Ok(None) };
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    let done = Command::new("kill").arg("-9").args(&pids).output().context("call kill")?;
    // It may have ended between the look and the signal.
    Ok(done.status.success().then_some(what))
}

/// A third each: the server itself, one of its connections (which makes the server end all others and recover), or all
/// its processes at once.
fn postgres(instance: &Instance, processes: &Processes, dice: u64) -> Option<(String, Vec<u32>)> {
    let script = instance.service("postgres-master")?;
    let server = *processes.named(script, "postgres").first()?;
    let children = processes.below(server);
    Some(match dice % 3 {
        0 => ("postgres: server".to_owned(), vec![server]),
        1 => ("postgres: connection".to_owned(), vec![one_of(&children, mix(dice))?]),
        _ => ("postgres: all".to_owned(), std::iter::once(server).chain(children).collect()),
    })
}

fn one_of(pids: &[u32], dice: u64) -> Option<u32> {
    let count = u64::try_from(pids.len()).ok().filter(|count| *count > 0)?;
    usize::try_from(dice % count).ok().and_then(|at| pids.get(at)).copied()
}

/// The machine's processes by their parent.
struct Processes(BTreeMap<u32, Vec<u32>>);

impl Processes {
    fn look() -> anyhow::Result<Self> {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").context("read /proc; the soak needs Linux")?.flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            if let Some((pid, parent)) = pid.and_then(|pid| Some((pid, parent_of(pid)?))) {
                children.entry(parent).or_default().push(pid);
            }
        }
        Ok(Self(children))
    }

    fn below(&self, parent: u32) -> Vec<u32> {
        self.0.get(&parent).cloned().unwrap_or_default()
    }

    /// Children whose program has this name.
    fn named(&self, parent: u32, name: &str) -> Vec<u32> {
        self.below(parent).into_iter().filter(|pid| program_of(*pid).as_deref() == Some(name)).collect()
    }
}

fn parent_of(pid: u32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; behind it come the state and the parent.
    text.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn program_of(pid: u32) -> Option<String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let program = line.split(|byte| *byte == 0).next()?;
    let name = program.rsplit(|byte| *byte == b'/').next()?;
    Some(String::from_utf8_lossy(name).into_owned())
}
