//! How much memory a process uses, and used at most.

use std::time::Duration;

/// How often a process under a limit is looked at. What it takes and gives back in between is not seen.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Peak resident memory in MB, rounded up; `None` where the system does not tell (anything but Linux).
pub(super) fn peak_mb(pid: u32) -> Option<u64> {
    megabytes(pid, "VmHWM:")
}

/// Resident memory now.
pub(super) fn resident_bytes(pid: u32) -> Option<u64> {
    Some(kilobytes(pid, "VmRSS:")? * 1024)
}

fn megabytes(pid: u32, field: &str) -> Option<u64> {
    Some(kilobytes(pid, field)?.div_ceil(1024))
}

fn kilobytes(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Comes back when the process has more resident memory than `limit_mb`; never without a limit, and never where the
/// system does not tell. A limit of the kernel's own (`RLIMIT_AS`, `RLIMIT_DATA`) counts what is reserved and not used,
/// of which a runtime with threads has gigabytes.
pub(super) async fn exceeds(pid: u32, limit_mb: Option<u32>) {
    let Some(limit_mb) = limit_mb.map(u64::from) else { return std::future::pending().await };
    while megabytes(pid, "VmRSS:").is_none_or(|used| used <= limit_mb) {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_running_process_has_some() {
        assert!(super::peak_mb(std::process::id()).is_some_and(|mb| mb > 0));
    }
}
