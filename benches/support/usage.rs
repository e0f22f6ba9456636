//! What processes use: CPU seconds, and the peak of their resident memory, of a process and all below it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::cpu;

/// How often processes are looked at.
const EVERY: Duration = Duration::from_millis(100);
/// Clock ticks a second in /proc; fixed on Linux.
const TICKS: f64 = 100.0;
/// Bytes of a page.
const PAGE: u64 = 4_096;

/// CPU seconds by the name of the program, and the peak of all resident memory together.
#[derive(Debug, Default, Clone)]
pub(crate) struct Used {
    by_process: BTreeMap<u32, (String, f64)>,
    /// CPU seconds of the root's threads that are librdkafka's, by thread.
    librdkafka: BTreeMap<u32, f64>,
    pub(crate) peak_rss: u64,
}

impl Used {
    /// CPU seconds of all processes.
    pub(crate) fn cpu(&self) -> f64 {
        self.by_process.values().map(|(_, seconds)| seconds).sum()
    }

    /// CPU seconds of librdkafka's threads in the root process: fetching and decompressing.
    pub(crate) fn librdkafka(&self) -> f64 {
        self.librdkafka.values().sum()
    }

    /// CPU seconds by program.
    pub(crate) fn by_program(&self) -> BTreeMap<&str, f64> {
        let mut programs: BTreeMap<&str, f64> = BTreeMap::new();
        for (program, seconds) in self.by_process.values() {
            *programs.entry(program).or_default() += seconds;
        }
        programs
    }
}

/// Looks at a process and its descendants until it is stopped.
pub(crate) struct Watch {
    used: Arc<Mutex<Used>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn of(root: u32) -> Self {
        let (used, stop) = (Arc::new(Mutex::new(Used::default())), Arc::new(AtomicBool::new(false)));
        let (shared, ended) = (Arc::clone(&used), Arc::clone(&stop));
        // It looks until it is dropped; the deadline is that of what it watches.
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Acquire) {
                look(root, &mut shared.lock().unwrap_or_else(PoisonError::into_inner));
                std::thread::sleep(EVERY);
            }
        });
        Self { used, stop, thread: Some(thread) }
    }

    /// What has been used up to now.
    pub(crate) fn so_far(&self) -> Used {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(root: u32, used: &mut Used) {
    let processes = processes();
    let mut family = BTreeSet::from([root]);
    // A child's number may be smaller than its parent's, so until nothing is added.
    loop {
        let before = family.len();
        family.extend(
            processes
                .iter()
                .filter(|process| family.contains(&process.parent))
                .map(|process| process.pid)
                .collect::<Vec<_>>(),
        );
        if family.len() == before {
            break;
        }
    }
    let mut resident = 0;
    for process in processes.into_iter().filter(|process| family.contains(&process.pid)) {
        resident += process.resident;
        used.by_process.insert(process.pid, (process.program, process.cpu_seconds));
    }
    used.peak_rss = used.peak_rss.max(resident);
    used.librdkafka.extend(librdkafka(root));
}

/// librdkafka names its threads; those of pollers that have ended stay counted.
fn librdkafka(pid: u32) -> Vec<(u32, f64)> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let thread = |entry: std::io::Result<fs::DirEntry>| {
        let thread = entry.ok()?.path();
        fs::read_to_string(thread.join("comm")).ok()?.starts_with("rdk:").then_some(())?;
        let used = cpu::used(thread.join("schedstat").to_str()?).ok()?;
        Some((thread.file_name()?.to_str()?.parse().ok()?, used.as_secs_f64()))
    };
    threads.filter_map(thread).collect()
}

struct Process {
    pid: u32,
    parent: u32,
    program: String,
    cpu_seconds: f64,
    resident: u64,
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| read(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

fn read(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let (name, rest) = (stat.split_once('(')?.1, stat.rsplit_once(") ")?.1);
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |position: usize| fields.get(position)?.parse::<u64>().ok();
    Some(Process {
        pid,
        parent: u32::try_from(number(1)?).ok()?,
        program: program(pid, name.split(')').next()?),
        cpu_seconds: (number(11)? + number(12)?) as f64 / TICKS,
        resident: number(21)? * PAGE,
    })
}

/// A function's program is always `bootstrap`; its folder says which function it is.
fn program(pid: u32, name: &str) -> String {
    let line = if name == "bootstrap" { fs::read(format!("/proc/{pid}/cmdline")).ok() } else { None };
    let line = line.map(|line| String::from_utf8_lossy(&line).into_owned());
    let folder = line.as_deref().and_then(|line| line.split("/bootstrap").next()?.rsplit('/').next());
    folder.unwrap_or(name).to_owned()
}

/// CPU seconds that the machine and the local services have used since they began.
pub(crate) struct Machine {
    pub(crate) all: f64,
    pub(crate) services: BTreeMap<&'static str, f64>,
}

/// A service and a word of its command line.
const SERVICES: [(&str, &str); 3] = [("Kafka", "kafka.Kafka"), ("MiniStack", "ministack"), ("Postgres", "postgres")];

impl Machine {
    pub(crate) fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().next().unwrap_or_default();
        let fields: Vec<f64> = line.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
        // Without idle and iowait.
        let idle = fields.get(3).unwrap_or(&0.0) + fields.get(4).unwrap_or(&0.0);
        let mut services = BTreeMap::new();
        for process in processes() {
            let line = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            if let Some((service, _)) = SERVICES.iter().find(|(_, word)| line.contains(word)) {
                *services.entry(*service).or_default() += process.cpu_seconds;
            }
        }
        Self { all: (fields.iter().sum::<f64>() - idle) / TICKS, services }
    }
}
