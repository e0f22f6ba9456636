//! `redrive`: dead letters once more, after a fix.

use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use kafka::redrive::{self, Options, Summary};

use super::{console, inspect};
use crate::instance::Instance;

/// How often a long run says how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// What `redrive` takes.
#[derive(Debug, Args)]
pub(super) struct RedriveArguments {
    /// The topic of dead letters (`<topic>.dlq`) or of a trigger's failed records (`kafka://<topic>.failed`)
    topic: String,
    /// Only letters of this rule; the others stay for another redrive
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Stop when so many letters are sent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Show what would be sent, by rule and topic, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Begin with the oldest letter instead of the first that no redrive has sent
    #[arg(long)]
    from_beginning: bool,
    /// The topic to send to; each letter's own when not given
    #[arg(long, value_name = "TOPIC")]
    to: Option<String>,
}

/// Sends letters again. Records that cannot be sent are this command's failure.
pub(super) async fn run(dir: &Path, arguments: &RedriveArguments) -> anyhow::Result<ExitCode> {
    let options = Options {
        topic: arguments.topic.clone(),
        rule: arguments.rule.clone(),
        limit: arguments.limit,
        dry_run: arguments.dry_run,
        from_beginning: arguments.from_beginning,
        to: arguments.to.clone(),
    };
    let mut told = Instant::now();
    let progress = |summary: &Summary, left: i64| {
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            console::aside(&format!("{} letters so far, {left} left", summary.total()));
        }
    };
    let summary = redrive::run(&broker(dir).await?, &options, chrono::Utc::now(), progress).await?;
    print(&summary, &options)?;
    Ok(if summary.unreadable > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The broker that the environment names, or that of the running instance.
async fn broker(dir: &Path) -> anyhow::Result<kafka::Config> {
    let named = ["KAFKA_BOOTSTRAP_SERVERS", "BOOTSTRAP_SERVERS", "MSK_CLUSTER_ARN"].map(std::env::var);
    if named.iter().flatten().any(|value| !value.is_empty()) {
        return kafka::Config::load().await;
    }
    inspect::kafka(&Instance::open(dir)?)
}

fn print(summary: &Summary, options: &Options) -> anyhow::Result<()> {
    if summary.total() > 0 {
        let mut rows = vec![["RULE", "TO", "LETTERS"].map(str::to_owned).to_vec()];
        let counted = summary.sent.iter();
        rows.extend(counted.map(|((rule, topic), letters)| vec![rule.clone(), topic.clone(), letters.to_string()]));
        console::table(&rows)?;
    }
    let verb = if options.dry_run { "would be sent" } else { "sent" };
    console::line(format!("{} letters {verb}", summary.total()))?;
    if summary.others > 0 {
        console::line(format!("{} letters of other rules stay", summary.others))?;
    }
    if summary.before > 0 {
        console::line(format!("{} letters were sent before, by a redrive of their rule", summary.before))?;
    }
    for named in &summary.named {
        console::aside(named);
    }
    if summary.unreadable > 0 {
        console::aside(&format!("{} records cannot be sent again; they are passed by", summary.unreadable));
    }
    Ok(())
}
