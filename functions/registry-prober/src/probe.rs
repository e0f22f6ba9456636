//! Looking at functions: over HTTP, and by asking Lambda, Kafka, EventBridge Scheduler and Postgres about the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use aws_sdk_scheduler::types::ScheduleState;
use chrono::{DateTime, Utc};
use kafka::admin::Inspector;
use reqwest::{Response, redirect};
use serde_json::Value;
use sqlx::PgPool;
use tokio::time::timeout;

use crate::config::{Service, Trigger};
use crate::decide::{Backlog, Seen};

/// Of an answer that is not well; a reason stands at its beginning.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// A reason's length; the function's log has all of it.
const REASON_CHARS_MAX: usize = 300;

/// Whom to ask. Clients are kept from one round to the next.
pub struct Probes {
    http: reqwest::Client,
    lambda: aws_sdk_lambda::Client,
    scheduler: aws_sdk_scheduler::Client,
    kafka: kafka::Config,
    /// By consumer group.
    inspectors: Mutex<BTreeMap<String, Inspector>>,
    pool: PgPool,
}

impl Probes {
    /// Nothing connects before the first look.
    ///
    /// # Errors
    /// When the TLS library does not start.
    pub fn new(aws: &aws_config::SdkConfig, kafka: kafka::Config, pool: PgPool) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("millrace-registry-prober/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .build()
            .context("build the http client")?;
        Ok(Self {
            http,
            lambda: aws_sdk_lambda::Client::new(aws),
            scheduler: aws_sdk_scheduler::Client::new(aws),
            kafka,
            inspectors: Mutex::default(),
            pool,
        })
    }

    /// Looks at one function. Whatever fails is what was seen.
    pub(crate) async fn look(&self, service: &Service, deadline: Duration) -> Seen {
        match &service.trigger {
            Trigger::Http(address) => self.http(address, deadline).await,
            Trigger::Kafka(function) => self.kafka(function, deadline).await,
            Trigger::Schedule(schedule) => self.schedule(schedule, &service.name, deadline).await,
        }
    }

    async fn http(&self, address: &str, deadline: Duration) -> Seen {
        let began = Instant::now();
        let ask = async {
            let answer = self.http.get(format!("{address}/health")).send().await;
            match answer {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(reason(answer).await),
                // The whole chain says what is wrong: the first link is "error sending request".
                Err(error) => Some(short(format!("{:#}", anyhow::Error::from(error.without_url())))),
            }
        };
        let fault = timeout(deadline, ask).await.unwrap_or_else(|_| Some(no_answer("/health", deadline)));
        Seen::Http { took: began.elapsed(), fault }
    }

    async fn kafka(&self, function: &str, deadline: Duration) -> Seen {
        let ask = self.lambda.list_event_source_mappings().function_name(function).send();
        let mappings = match timeout(deadline, ask).await {
            Ok(Ok(answer)) => answer.event_source_mappings.unwrap_or_default(),
            Ok(Err(error)) => return Seen::Nothing(short(format!("ask Lambda: {}", DisplayErrorContext(error)))),
            Err(_) => return Seen::Nothing(no_answer("Lambda", deadline)),
        };
        let mappings: Vec<Mapping> = mappings.iter().filter_map(Mapping::read).collect();
        if mappings.is_empty() {
            return Seen::Nothing(format!("Lambda has no Kafka trigger of {function}"));
        }
        let backlog = match timeout(deadline, self.backlog(&mappings)).await {
            Ok(backlog) => backlog.map_err(|error| short(format!("{error:#}"))),
            Err(_) => Err(no_answer("Kafka", deadline)),
        };
        Seen::Kafka {
            enabled: mappings.iter().any(|mapping| mapping.enabled),
            trigger: mappings.iter().map(Mapping::in_words).collect::<Vec<_>>().join(", "),
            problem: mappings.into_iter().find_map(|mapping| mapping.problem).map(short),
            backlog,
        }
    }

    async fn backlog(&self, mappings: &[Mapping]) -> anyhow::Result<Backlog> {
        let mut sum = Backlog::default();
        let read: BTreeSet<(&str, &str)> = mappings.iter().flat_map(Mapping::read_topics).collect();
        for (group, topic) in read {
            let inspector = self.inspector(group)?;
            let partitions = match inspector.partitions(topic).await {
                Ok(partitions) => partitions.with_context(|| format!("topic {topic} does not exist"))?,
                Err(error) => {
                    // A client that has lost its brokers is made anew.
                    self.inspectors.lock().unwrap_or_else(PoisonError::into_inner).remove(group);
                    return Err(error);
                }
            };
            for partition in partitions {
                sum.lag = sum.lag.saturating_add(partition.lag());
                sum.progress = sum.progress.saturating_add(partition.committed.unwrap_or(partition.low));
            }
        }
        Ok(sum)
    }

    fn inspector(&self, group: &str) -> anyhow::Result<Inspector> {
        let mut inspectors = self.inspectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inspector) = inspectors.get(group) {
            return Ok(inspector.clone());
        }
        let inspector = Inspector::new(&self.kafka, group)?;
        inspectors.insert(group.to_owned(), inspector.clone());
        Ok(inspector)
    }

    async fn schedule(&self, schedule: &str, function: &str, deadline: Duration) -> Seen {
        let ask = self.scheduler.get_schedule().name(schedule).send();
        let found = match timeout(deadline, ask).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                return Seen::Nothing(short(format!("ask EventBridge Scheduler: {}", DisplayErrorContext(error))));
            }
            Err(_) => return Seen::Nothing(no_answer("EventBridge Scheduler", deadline)),
        };
        match timeout(deadline, self.last_success(function)).await {
            Ok(Ok(last_success_at)) => Seen::Schedule {
                enabled: found.state() != Some(&ScheduleState::Disabled),
                expression: found.schedule_expression().unwrap_or_default().to_owned(),
                last_success_at,
            },
            Ok(Err(error)) => Seen::Nothing(short(format!("{error:#}"))),
            Err(_) => Seen::Nothing(no_answer("Postgres", deadline)),
        }
    }

    /// A worker that is single notes its success in its lease: `github-poller`, `lake-committer/github.events`.
    async fn last_success(&self, function: &str) -> anyhow::Result<Option<DateTime<Utc>>> {
        sqlx::query_scalar("select max(succeeded_at) from leases where name = $1 or starts_with(name, $1 || '/')")
            .bind(function)
            .fetch_one(&self.pool)
            .await
            .context("look for the last success")
    }
}

/// What is of interest in a Kafka trigger.
struct Mapping {
    enabled: bool,
    topics: Vec<String>,
    group: String,
    problem: Option<String>,
}

impl Mapping {
    /// `None` for a trigger of another kind.
    fn read(found: &EventSourceMappingConfiguration) -> Option<Self> {
        let of_msk = found.amazon_managed_kafka_event_source_config().and_then(|config| config.consumer_group_id());
        let group = found.self_managed_kafka_event_source_config().and_then(|config| config.consumer_group_id());
        let topics = found.topics().to_vec();
        let result = found.last_processing_result().unwrap_or_default();
        (!topics.is_empty()).then(|| Self {
            enabled: !matches!(found.state(), Some("Disabled" | "Disabling" | "Deleting")),
            topics,
            // Lambda names the group by the mapping when nobody else has.
            group: of_msk.or(group).or(found.uuid()).unwrap_or_default().to_owned(),
            problem: result.strip_prefix("PROBLEM: ").map(str::to_owned),
        })
    }

    fn in_words(&self) -> String {
        format!("topic {} by group {}", self.topics.join(", "), self.group)
    }

    fn read_topics(&self) -> impl Iterator<Item = (&str, &str)> {
        self.topics.iter().map(|topic| (self.group.as_str(), topic.as_str()))
    }
}

/// Why an API is not well: what its problem says, or its status.
async fn reason(mut answer: Response) -> String {
    let status = answer.status();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_BYTES_MAX {
            break;
        }
    }
    let problem: Option<Value> = serde_json::from_slice(&body).ok();
    let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    short(detail.map_or_else(|| format!("status {status}"), |detail| format!("status {status}: {detail}")))
}

fn no_answer(who: impl Display, deadline: Duration) -> String {
    format!("{who} did not answer within {} s", deadline.as_secs_f64())
}

fn short(reason: impl Into<String>) -> String {
    let reason = reason.into();
    if reason.chars().nth(REASON_CHARS_MAX).is_none() {
        reason
    } else {
        reason.chars().take(REASON_CHARS_MAX).collect()
    }
}
