//! `status`, `lag`, `env`.

use anyhow::Context;
use kafka::{Config, admin};
use serde_json::{Value, json};

use super::{console, control::url};
use crate::instance::Instance;

/// Shows the whole stack.
pub(super) async fn status(instance: &Instance, json: bool) -> anyhow::Result<()> {
    let status = fetch(instance).await?;
    if json {
        console::line(serde_json::to_string_pretty(&status).context("write the status")?)?;
        return Ok(());
    }
    section(&status, "services", &[("SERVICE", "name"), ("STATE", "state"), ("ADDRESS", "address")])?;
    section(
        &status,
        "functions",
        &[
            ("FUNCTION", "name"),
            ("SYSTEM", "system"),
            ("RUNS AT", "runs_at"),
            ("STATE", "state"),
            ("INVOCATIONS", "invocations"),
            ("ERRORS", "errors"),
            ("COLD STARTS", "cold_starts"),
            ("LAST SUCCESS", "last_success"),
        ],
    )?;
    section(
        &status,
        "mappings",
        &[
            ("TRIGGER", "name"),
            ("TOPIC OR QUEUE", "source"),
            ("STATE", "state"),
            ("RECORDS", "records"),
            ("FAILURES", "failures"),
            ("GIVEN UP", "given_up"),
            ("PROBLEM", "problem"),
        ],
    )?;
    section(
        &status,
        "schedules",
        &[("SCHEDULE", "name"), ("EXPRESSION", "expression"), ("ENABLED", "enabled"), ("LAST FIRED", "last_fired")],
    )?;
    chaos(&status)?;
    for api in status.get("apis").and_then(Value::as_array).into_iter().flatten() {
        console::line(format!("{}  {}", cell(api.get(0)), cell(api.get(1))))?;
    }
    Ok(())
}

/// What was injected so far, a line a trigger and function.
fn chaos(status: &Value) -> anyhow::Result<()> {
    let Some(chaos) = status.get("chaos").filter(|chaos| !chaos.is_null()) else { return Ok(()) };
    console::line(format!("CHAOS  {}, seed {}", cell(chaos.get("spec")), cell(chaos.get("seed"))))?;
    for stream in chaos.get("streams").and_then(Value::as_array).into_iter().flatten() {
        let injected = stream.get("injected").and_then(Value::as_object).into_iter().flatten();
        let injected: Vec<String> = injected.map(|(fault, count)| format!("{fault} {count}")).collect();
        let injected = if injected.is_empty() { "nothing".to_owned() } else { injected.join(", ") };
        let cell = |key: &str| cell(stream.get(key));
        console::line(format!(
            "{} to {}: {injected}, in {} invocations",
            cell("trigger"),
            cell("function"),
            cell("decisions")
        ))?;
    }
    console::line("")?;
    Ok(())
}

async fn fetch(instance: &Instance) -> anyhow::Result<Value> {
    let running = instance.require_running()?;
    let answer = reqwest::get(url(&running, "/_millrace/status")).await.context("reach the runner")?;
    answer.json().await.context("understand the runner's status")
}

fn section(status: &Value, name: &str, columns: &[(&str, &str)]) -> anyhow::Result<()> {
    let items = status.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    if items.is_empty() {
        return Ok(());
    }
    let mut rows = vec![columns.iter().map(|(title, _)| (*title).to_owned()).collect()];
    rows.extend(items.iter().map(|item| columns.iter().map(|(_, key)| cell(item.get(*key))).collect()));
    console::table(&rows)?;
    console::line("")?;
    Ok(())
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Shows how far each trigger is behind. A trigger that is switched off still has a lag.
pub(super) async fn lag(instance: &Instance, json: bool) -> anyhow::Result<()> {
    let status = fetch(instance).await?;
    let mut partitions = Vec::new();
    for mapping in status.get("mappings").and_then(Value::as_array).into_iter().flatten() {
        let (name, topic, group) = (cell(mapping.get("name")), cell(mapping.get("topic")), cell(mapping.get("group")));
        if mapping.get("queue").is_some_and(Value::is_string) {
            let records = mapping.get("lag").and_then(|lag| lag.get("records"));
            partitions.push(json!({"trigger": name, "source": mapping.get("queue"), "lag": records}));
            continue;
        }
        for state in admin::partitions(&kafka(instance)?, &topic, &group).await? {
            partitions.push(json!({
                "trigger": name, "source": topic, "topic": topic, "partition": state.partition, "group": group,
                "low": state.low, "high": state.high, "committed": state.committed, "lag": state.lag(),
            }));
        }
    }
    if json {
        console::line(serde_json::to_string_pretty(&partitions).context("write the lag")?)?;
        return Ok(());
    }
    let columns = [
        ("TRIGGER", "trigger"),
        ("TOPIC OR QUEUE", "source"),
        ("PARTITION", "partition"),
        ("COMMITTED", "committed"),
        ("END", "high"),
        ("LAG", "lag"),
    ];
    section(&json!({"lag": partitions}), "lag", &columns)
}

/// The broker of the running instance.
pub(super) fn kafka(instance: &Instance) -> anyhow::Result<Config> {
    let running = instance.require_running()?;
    let servers = running.exports.get("KAFKA_BOOTSTRAP_SERVERS").context("this instance runs no Kafka broker")?;
    // A login is not among the exports: whoever has it in the environment may ask a broker that wants one.
    match Config::from_variables(std::env::vars())? {
        Some(named) if named.bootstrap_servers == *servers => Ok(named),
        _ => Ok(Config::plaintext(servers)),
    }
}

/// Prints what other programs need.
pub(super) fn env(instance: &Instance, json: bool) -> anyhow::Result<()> {
    let running = instance.require_running()?;
    if json {
        console::line(serde_json::to_string_pretty(&running.exports).context("write the environment")?)?;
        return Ok(());
    }
    for (name, value) in &running.exports {
        console::line(format!("export {name}='{}'", value.replace('\'', r"'\''")))?;
    }
    Ok(())
}
