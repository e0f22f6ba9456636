//! A function's log file: what its processes write, and the host's own START, END and REPORT lines between.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;

/// How much of a log `X-Amz-Log-Result` holds.
const TAIL_LIMIT: u64 = 4096;

/// One log, opened for appending, so that processes and the host can write side by side.
#[derive(Debug)]
pub(super) struct FunctionLog {
    file: File,
    path: PathBuf,
}

/// The figures of a REPORT line.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) request_id: &'a str,
    pub(super) duration: Duration,
    pub(super) init_duration: Option<Duration>,
    pub(super) memory_mb: u32,
    pub(super) memory_used_mb: Option<u64>,
    /// `timeout` or `error`, when the invocation did not succeed.
    pub(super) status: Option<&'a str>,
}

impl FunctionLog {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("open log {}", path.display()))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// A handle for a process's stdout or stderr.
    pub(super) fn stdio(&self) -> anyhow::Result<Stdio> {
        Ok(self.file.try_clone().with_context(|| format!("open log {}", self.path.display()))?.into())
    }

    pub(super) fn line(&self, line: &str) {
        // A log that cannot be written (a full disk) must not fail the invocation that it tells of.
        let _ = (&self.file).write_all(format!("{line}\n").as_bytes());
    }

    /// Where the next line will begin.
    pub(super) fn end(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// What was written since `begin`, the last 4 KB of it: Lambda's limit for a tail. Invocations that run at the same
    /// time write into the same file.
    pub(super) fn tail(&self, begin: u64) -> Bytes {
        let read = || {
            let mut file = File::open(&self.path)?;
            let end = file.metadata()?.len();
            // A log that was emptied meanwhile is shorter than it was.
            file.seek(SeekFrom::Start(begin.min(end).max(end.saturating_sub(TAIL_LIMIT))))?;
            let mut text = Vec::new();
            file.take(TAIL_LIMIT).read_to_end(&mut text)?;
            io::Result::Ok(text)
        };
        read().unwrap_or_default().into()
    }

    pub(super) fn report(&self, report: &Report<'_>) {
        self.line(&report.to_string());
    }
}

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        write!(f, "REPORT RequestId: {}\tDuration: {:.2} ms\t", self.request_id, ms(self.duration))?;
        write!(f, "Billed Duration: {} ms\t", ms(self.duration).ceil())?;
        write!(f, "Memory Size: {} MB\t", self.memory_mb)?;
        match self.memory_used_mb {
            Some(used) => write!(f, "Max Memory Used: {used} MB")?,
            None => write!(f, "Max Memory Used: unknown")?,
        }
        if let Some(init) = self.init_duration {
            write!(f, "\tInit Duration: {:.2} ms", ms(init))?;
        }
        if let Some(status) = self.status {
            write!(f, "\tStatus: {status}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_like_lambdas() {
        let report = Report {
            request_id: "r-1",
            duration: Duration::from_micros(12_340),
            init_duration: Some(Duration::from_millis(9)),
            memory_mb: 128,
            memory_used_mb: Some(17),
            status: None,
        };
        assert_eq!(
            report.to_string(),
            "REPORT RequestId: r-1\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t\
             Max Memory Used: 17 MB\tInit Duration: 9.00 ms"
        );
    }
}
