//! How much memory a process used at most.

/// Peak resident memory in MB, rounded up; `None` where the system does not tell (anything but Linux).
pub(super) fn peak_mb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes.div_ceil(1024))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_running_process_has_some() {
        assert!(super::peak_mb(std::process::id()).is_some_and(|mb| mb > 0));
    }
}
