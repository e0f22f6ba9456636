//! A function's log file: what its processes write, and the host's own lines between: START, END and REPORT, or Lambda's
//! `platform.*` records when the function's `LogFormat` is JSON.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::template::spec::{LoggingSpec, SystemLogLevel};

/// How much of a log `X-Amz-Log-Result` holds.
const TAIL_LIMIT: u64 = 4096;

/// One log, opened for appending, so that processes and the host can write side by side.
#[derive(Debug)]
pub(super) struct FunctionLog {
    file: File,
    path: PathBuf,
    format: LoggingSpec,
}

/// What an invocation came to, in a log's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// The function answered.
    Success,
    /// The function answered with an error.
    Error,
    /// The process is gone; the type of its error.
    Failure(&'static str),
    /// Its time was over.
    Timeout,
}

/// The figures of a REPORT line.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) request_id: &'a str,
    pub(super) duration: Duration,
    pub(super) init_duration: Option<Duration>,
    pub(super) memory_mb: u32,
    pub(super) memory_used_mb: Option<u64>,
    pub(super) status: Status,
}

impl FunctionLog {
    pub(super) fn open(path: &Path, format: &LoggingSpec) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("open log {}", path.display()))?;
        Ok(Self { file, path: path.to_owned(), format: format.clone() })
    }

    /// A handle for a process's stdout or stderr.
    pub(super) fn stdio(&self) -> anyhow::Result<Stdio> {
        Ok(self.file.try_clone().with_context(|| format!("open log {}", self.path.display()))?.into())
    }

    /// A process starts.
    pub(super) fn init_start(&self, function: &str) {
        let record = || {
            json!({"initializationType": "on-demand", "phase": "init", "runtimeVersion": "provided:al2023",
                "functionName": function, "functionVersion": "$LATEST"})
        };
        self.record(SystemLogLevel::Info, "platform.initStart", record);
    }

    /// An invocation begins.
    pub(super) fn start(&self, request_id: &str) {
        if !self.format.json {
            return self.line(&format!("START RequestId: {request_id} Version: $LATEST"));
        }
        let record = || json!({"requestId": request_id, "version": "$LATEST"});
        self.record(SystemLogLevel::Info, "platform.start", record);
    }

    /// An invocation has ended.
    pub(super) fn end(&self, report: &Report<'_>) {
        if !self.format.json {
            return self.line(&format!("END RequestId: {}\n{report}", report.request_id));
        }
        let failed = report.status != Status::Success;
        let done = || {
            let metrics = json!({"durationMs": ms(report.duration)});
            report.with_status(json!({"requestId": report.request_id, "metrics": metrics}))
        };
        self.record(if failed { SystemLogLevel::Warn } else { SystemLogLevel::Debug }, "platform.runtimeDone", done);
        let level = if failed { SystemLogLevel::Warn } else { SystemLogLevel::Info };
        self.record(level, "platform.report", || report.record());
    }

    /// One of Lambda's records, when the log is JSON and takes this level.
    fn record(&self, level: SystemLogLevel, kind: &str, record: impl FnOnce() -> Value) {
        if self.format.json && level >= self.format.system_level {
            let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
            self.line(&json!({"time": time, "type": kind, "record": record()}).to_string());
        }
    }

    /// A line as it is.
    pub(super) fn line(&self, line: &str) {
        // A log that cannot be written (a full disk) must not fail the invocation that it tells of.
        let _ = (&self.file).write_all(format!("{line}\n").as_bytes());
    }

    /// Where the next line will begin.
    pub(super) fn length(&self) -> u64 {
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
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Failure(_) => "failure",
            Self::Timeout => "timeout",
        }
    }
}

impl Report<'_> {
    fn record(&self) -> Value {
        let mut metrics = json!({
            "durationMs": ms(self.duration),
            "billedDurationMs": ms(self.duration).ceil(),
            "memorySizeMB": self.memory_mb,
        });
        if let Some(metrics) = metrics.as_object_mut() {
            metrics.extend(self.memory_used_mb.map(|used| ("maxMemoryUsedMB".to_owned(), json!(used))));
            metrics.extend(self.init_duration.map(|init| ("initDurationMs".to_owned(), json!(ms(init)))));
        }
        self.with_status(json!({"requestId": self.request_id, "metrics": metrics}))
    }

    fn with_status(&self, mut record: Value) -> Value {
        if let Some(fields) = record.as_object_mut() {
            fields.insert("status".into(), self.status.word().into());
            if let Status::Failure(kind) = self.status {
                fields.insert("errorType".into(), kind.into());
            }
        }
        record
    }
}

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        match self.status {
            Status::Success => Ok(()),
            Status::Error => write!(f, "\tStatus: error"),
            Status::Failure(kind) => write!(f, "\tStatus: error\tError Type: {kind}"),
            Status::Timeout => write!(f, "\tStatus: timeout"),
        }
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
            status: Status::Success,
        };
        assert_eq!(
            report.to_string(),
            "REPORT RequestId: r-1\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t\
             Max Memory Used: 17 MB\tInit Duration: 9.00 ms"
        );
    }

    #[test]
    fn a_json_log_has_lambdas_records_up_to_its_level() {
        let folder = tempfile::tempdir().unwrap();
        let written = |level: SystemLogLevel, status: Status| -> Vec<Value> {
            let path = folder.path().join(format!("{level:?}{status:?}"));
            let format = LoggingSpec { json: true, application_level: "INFO".into(), system_level: level };
            let log = FunctionLog::open(&path, &format).unwrap();
            log.start("r-1");
            let duration = Duration::from_micros(12_340);
            let report = Report {
                request_id: "r-1",
                duration,
                init_duration: None,
                memory_mb: 128,
                memory_used_mb: None,
                status,
            };
            log.end(&report);
            let text = std::fs::read_to_string(&path).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let kinds = |records: &[Value]| -> Vec<String> {
            records.iter().map(|record| record["type"].as_str().unwrap().to_owned()).collect()
        };
        let records = written(SystemLogLevel::Info, Status::Success);
        assert_eq!(kinds(&records), ["platform.start", "platform.report"]);
        assert_eq!(
            records[1]["record"],
            json!({"requestId": "r-1", "status": "success",
                "metrics": {"durationMs": 12.34, "billedDurationMs": 13.0, "memorySizeMB": 128}})
        );
        let all = written(SystemLogLevel::Debug, Status::Success);
        assert_eq!(kinds(&all), ["platform.start", "platform.runtimeDone", "platform.report"]);
        assert!(written(SystemLogLevel::Warn, Status::Success).is_empty());
        let failed = written(SystemLogLevel::Warn, Status::Failure("Runtime.ExitError"));
        assert_eq!(kinds(&failed), ["platform.runtimeDone", "platform.report"]);
        assert_eq!(failed[1]["record"]["errorType"], "Runtime.ExitError");
    }
}
