//! The answers about the trigger and what came through it. No I/O.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kafka::admin::PartitionState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{info::Info, topic::LiveTopic, trigger::Mapping};

/// Whether the topic is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Activity {
    /// The mapping is enabled.
    Running,
    /// The mapping is disabled.
    Stopped,
    /// The mapping is on its way; its own state says where to.
    Changing,
}

/// The answer of `GET /status`, `POST /start` and `POST /stop`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    service: &'static str,
    status: Activity,
    trigger: TriggerView,
    /// Records that wait in the topic; null when it does not exist, and after a start or stop that could not ask Kafka.
    lag: Option<i64>,
    partitions: Vec<PartitionLag>,
}

/// The writer's event source mapping.
#[derive(Debug, Serialize, ToSchema)]
struct TriggerView {
    uuid: String,
    /// Lambda's word: `Creating`, `Enabling`, `Enabled`, `Disabling`, `Disabled`, `Updating` or `Deleting`.
    #[schema(example = "Enabled")]
    state: String,
    /// Why it changed last.
    state_reason: Option<String>,
    /// How its last invocation went.
    last_result: Option<String>,
    changed_at: Option<DateTime<Utc>>,
}

/// How far the writer's group is behind.
#[derive(Debug, Serialize, ToSchema)]
struct PartitionLag {
    partition: i32,
    /// The next offset that the group will read; null before its first commit.
    committed_offset: Option<i64>,
    /// The offset that the next record will get.
    end_offset: i64,
    lag: i64,
}

/// The answer of `GET /config` and `POST /config`: what is in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct Config {
    /// How long a batch is collected. While nothing was set it is Lambda's half second, which is told as 0.
    #[schema(example = "15 seconds")]
    trigger_interval: String,
    trigger_interval_seconds: i32,
    /// Most events that one invocation of the writer gets.
    max_events_per_batch: i32,
}

/// The answer of `GET /stats`: sums since the tables were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    /// Rows, committed or staged.
    events: i64,
    /// Batches that were staged.
    batches: i64,
    /// Records that came again.
    duplicates: i64,
    /// Records that the trigger gave up, and offsets that Kafka never gave out.
    failures: i64,
    dead_letters: DeadLetters,
    /// Records that wait in the topic.
    lag: i64,
    /// When something was staged last.
    last_staged_at: Option<DateTime<Utc>>,
}

/// Records that can never be rows.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetters {
    total: i64,
    /// By the rule that they broke.
    by_rule: BTreeMap<String, i64>,
}

/// The answer of `GET /health`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    pub(crate) service: &'static str,
    /// Whether the topic exists.
    pub(crate) topic: bool,
    /// Whether the table has been committed to.
    pub(crate) committed: bool,
}

impl Status {
    pub(crate) fn of(service: &'static str, mapping: Mapping, topic: Option<&LiveTopic>) -> Self {
        let partitions: Vec<PartitionLag> = topic.iter().flat_map(|topic| &topic.partitions).map(lag).collect();
        Self {
            service,
            status: match mapping.state.as_str() {
                "Enabled" => Activity::Running,
                "Disabled" => Activity::Stopped,
                _ => Activity::Changing,
            },
            trigger: TriggerView {
                uuid: mapping.uuid,
                state: mapping.state,
                state_reason: mapping.reason,
                last_result: mapping.last_result,
                changed_at: mapping.changed_at,
            },
            lag: topic.map(|_| partitions.iter().map(|partition| partition.lag).sum()),
            partitions,
        }
    }
}

fn lag(partition: &PartitionState) -> PartitionLag {
    PartitionLag {
        partition: partition.partition,
        committed_offset: partition.committed,
        end_offset: partition.high,
        lag: partition.lag(),
    }
}

impl Config {
    pub(crate) fn of(mapping: &Mapping) -> Self {
        let seconds = mapping.window_seconds;
        Self {
            trigger_interval: format!("{seconds} second{}", if seconds == 1 { "" } else { "s" }),
            trigger_interval_seconds: seconds,
            max_events_per_batch: mapping.batch_size,
        }
    }
}

impl Stats {
    pub(crate) fn of(info: Info) -> Self {
        let account = &info.reconciliation;
        Self {
            events: account.rows + account.staged,
            batches: info.batches,
            duplicates: account.duplicates,
            failures: account.failed,
            dead_letters: DeadLetters { total: account.dead_letters, by_rule: info.rules },
            lag: info.lag,
            last_staged_at: info.last_staged_at,
        }
    }
}
