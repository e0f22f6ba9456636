//! Processor time as the Linux kernel counts it, in nanoseconds.

use std::time::Duration;

use anyhow::Context;

/// What this thread has used.
pub(crate) fn of_this_thread() -> anyhow::Result<Duration> {
    used("/proc/thread-self/schedstat")
}

/// What all living threads of a process have used.
pub(crate) fn of_process(pid: u32) -> anyhow::Result<Duration> {
    let tasks = format!("/proc/{pid}/task");
    let mut sum = Duration::ZERO;
    for task in std::fs::read_dir(&tasks).with_context(|| format!("read {tasks}; the benches need Linux"))? {
        // A thread may end between the two looks.
        let path = task?.path().join("schedstat");
        sum += path.to_str().and_then(|path| used(path).ok()).unwrap_or_default();
    }
    Ok(sum)
}

/// What a `schedstat` file says.
pub(crate) fn used(path: &str) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {path}; the benches need Linux"))?;
    let nanoseconds = text.split(' ').next().unwrap_or_default().parse();
    Ok(Duration::from_nanos(nanoseconds.with_context(|| format!("{path} holds {text:?}"))?))
}
