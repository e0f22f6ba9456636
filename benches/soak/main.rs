//! The soak: known records go into the topic at a steady rate while the writer, the committer, Kafka, Postgres and the
//! object store are killed in turn; at the end each record must be in the table once, or among the dead letters.
//!
//! Run it with `make soak`. The settings are environment variables; `settings` has them with what they mean. The same
//! seed gives the same records and the same order of kills.

mod check;
#[path = "../support/figures.rs"]
mod figures;
mod instance;
mod kills;
mod producer;
mod records;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use check::Account;
use chrono::{DateTime, Utc};
use figures::{say, say_load};
use instance::{Instance, Progress};
use kills::Victim;
use producer::{Acknowledged, Pace};
use records::{Records, mix};

/// How often progress is printed.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// How long the writer may bring nothing into the lake.
const STANDSTILL: Duration = Duration::from_secs(300);

/// In how many rounds the runner has its turn once, when it is to be killed at all.
const ROUNDS_BETWEEN_RUNNERS: u64 = 6;

/// How often the trigger is asked how far it is.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

struct Settings {
    records: Records,
    pace: Pace,
    between_kills: Duration,
    victims: Vec<Victim>,
    /// How long the pipeline may take for what is left when nothing is killed any more.
    drain: Duration,
    instance: Instance,
}

fn settings() -> anyhow::Result<Settings> {
    let now = Utc::now();
    let seed = number("SOAK_SEED", u64::from(now.timestamp_subsec_nanos()))?;
    // A run that is repeated needs the same times, too.
    let began = number("SOAK_BEGAN", u64::try_from(now.timestamp()).unwrap_or(0))?;
    let began = i64::try_from(began).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    Ok(Settings {
        records: Records {
            seed,
            began: began.context("SOAK_BEGAN is no time, expected seconds since 1970")?,
            bad_per_million: number("SOAK_BAD_PER_MILLION", 1_000)?,
            repeats_per_million: number("SOAK_REPEATS_PER_MILLION", 3_000)?,
        },
        pace: Pace {
            records: number("SOAK_RECORDS", 10_000_000)?,
            per_second: number("SOAK_RECORDS_PER_SECOND", 20_000)?,
            ahead: number("SOAK_RECORDS_AHEAD", 500_000)?,
            at_most: Duration::from_secs(60 * number("SOAK_MINUTES", 24 * 60)?),
        },
        between_kills: Duration::from_secs(number("SOAK_SECONDS_BETWEEN_KILLS", 5)?),
        victims: victims(&std::env::var("SOAK_VICTIMS").unwrap_or_default())?,
        drain: Duration::from_secs(number("SOAK_DRAIN_SECONDS", 900)?),
        instance: Instance::new(
            path("SOAK_DIR").unwrap_or_else(|| instance::checkout().join(".millrace/soak")),
            path("MILLRACE_BIN_DIR").context("MILLRACE_BIN_DIR is not set: run `make soak`")?,
            vec![format!("LakeCommitAgeSeconds={}", number("SOAK_COMMIT_AGE_SECONDS", 2)?)],
        )?,
    })
}

fn number(name: &str, usual: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().with_context(|| format!("{name} is {text:?}, expected a number")),
        _ => Ok(usual),
    }
}

/// `SOAK_VICTIMS`: names with commas between them; all but the runner when there are none.
fn victims(text: &str) -> anyhow::Result<Vec<Victim>> {
    if text.is_empty() {
        return Ok(Victim::ALL.into_iter().filter(|victim| *victim != Victim::Runner).collect());
    }
    let known = |name: &str| Victim::ALL.into_iter().find(|victim| victim.name() == name);
    let found = text.split(',').filter(|name| *name != "none");
    found.map(|name| known(name).with_context(|| format!("SOAK_VICTIMS has {name:?}, which is unknown"))).collect()
}

fn main() -> anyhow::Result<ExitCode> {
    // `cargo test` lists tests before it runs them; there are none.
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(ExitCode::SUCCESS);
    }
    let mut settings = settings()?;
    say_load();
    say(&format!(
        "seed {} (SOAK_SEED), {} records, {} records/s at most, a kill about every {} s",
        settings.records.seed,
        settings.pace.records,
        settings.pace.per_second,
        settings.between_kills.as_secs(),
    ));
    settings.instance.up()?;
    let outcome = soak(&mut settings);
    let instance = settings.instance;
    instance.down()?;
    say_load();
    let account = outcome.inspect_err(|_| say(&format!("logs and data stay in {}", instance.dir.display())))?;
    if !account.is_exact() {
        say(&format!("NOT EXACT: logs and data stay in {}", instance.dir.display()));
        return Ok(ExitCode::FAILURE);
    }
    if std::env::var_os("SOAK_KEEP").is_none() {
        std::fs::remove_dir_all(&instance.dir).with_context(|| format!("remove {}", instance.dir.display()))?;
    }
    say("exact: 0 lost, 0 doubled");
    Ok(ExitCode::SUCCESS)
}

fn soak(settings: &mut Settings) -> anyhow::Result<Account> {
    let env = settings.instance.env()?;
    let kafka = kafka::Config::plaintext(env.get("KAFKA_BOOTSTRAP_SERVERS").context("the stack has no Kafka")?);
    let (records, pace) = (settings.records, settings.pace);
    let log = settings.instance.dir.join("log/soak-producer.log");
    let (acknowledged, done) = (Arc::new(Acknowledged::default()), AtomicU64::new(0));
    let (ended, began) = (AtomicBool::new(false), Instant::now());
    let (killed, produced) = std::thread::scope(|scope| {
        let producing = scope.spawn(|| {
            let produced = producer::produce(&records, pace, &kafka, &acknowledged, &done, &log);
            ended.store(true, Ordering::Relaxed);
            produced
        });
        let killed = kill_in_turn(settings, &acknowledged, &done, &ended);
        if let Err(error) = &killed {
            acknowledged.note(format!("the soak has ended: {error:#}"));
        }
        let produced = producing.join().map_err(|_| anyhow!("the producer has crashed"))??;
        anyhow::Ok((killed?, produced))
    })?;
    say(&format!("all {produced} records are staged after {:.0} s", began.elapsed().as_secs_f64()));
    drain(settings, produced)?;
    let seconds = began.elapsed().as_secs_f64();
    let account = check::compare(&settings.instance, &kafka, &records, produced)?;
    report(&killed, &account, seconds);
    Ok(account)
}

/// Kills until everything is produced and the writer has caught up, and prints how far everything is.
fn kill_in_turn(
    settings: &mut Settings,
    acknowledged: &Acknowledged,
    done: &AtomicU64,
    ended: &AtomicBool,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut killed: BTreeMap<String, u64> = BTreeMap::new();
    let (mut turn, mut progress) = (0_u64, Progress::default());
    let (mut next_kill, mut next_look) = (Instant::now() + pause(settings, turn), Instant::now());
    let mut next_report = Instant::now() + REPORT_INTERVAL;
    let mut deadline = Instant::now() + STANDSTILL;
    while !(ended.load(Ordering::Relaxed) && progress.records >= acknowledged.count() && progress.lag == 0) {
        if acknowledged.fault().is_some() {
            break;
        }
        if Instant::now() >= next_look {
            if let Some(found) = settings.instance.progress() {
                progress = found;
                let now = found.records.saturating_sub(found.lag);
                if done.swap(now, Ordering::Relaxed) != now {
                    deadline = Instant::now() + STANDSTILL;
                }
            }
            next_look = Instant::now() + LOOK_INTERVAL;
        }
        if Instant::now() > deadline {
            bail!("nothing was staged for {} s; {} records wait", STANDSTILL.as_secs(), progress.lag);
        }
        if Instant::now() >= next_kill && !settings.victims.is_empty() {
            kill_one(settings, &mut turn, &mut killed)?;
            next_kill = Instant::now() + pause(settings, turn);
        }
        if Instant::now() >= next_report {
            let kills = killed.values().sum::<u64>();
            say(&format!("{} acknowledged, {} behind, {kills} kills {killed:?}", acknowledged.count(), progress.lag));
            // Its schedule starts it once a minute, which would leave most of the kills without a committer.
            let _ = settings.instance.millrace(&["fire", "lake-committer"]);
            next_report = Instant::now() + REPORT_INTERVAL;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(killed)
}

/// Between half and one and a half of what is asked for.
fn pause(settings: &Settings, turn: u64) -> Duration {
    settings.between_kills.mul_f64(0.5 + (mix(settings.records.seed ^ turn) % 1_000) as f64 / 1_000.0)
}

/// Kills the next one that runs.
fn kill_one(settings: &mut Settings, turn: &mut u64, killed: &mut BTreeMap<String, u64>) -> anyhow::Result<()> {
    for _ in 0..settings.victims.len() {
        let next = usize::try_from(*turn).unwrap_or(0) % settings.victims.len();
        let Some(victim) = settings.victims.get(next).copied() else { break };
        let round = *turn / Victim::ALL.len() as u64;
        *turn += 1;
        // Until a new runner's pollers have partitions again takes longer than a round.
        if victim == Victim::Runner && !round.is_multiple_of(ROUNDS_BETWEEN_RUNNERS) {
            continue;
        }
        let Some(what) = kills::kill(&settings.instance, victim, mix(settings.records.seed ^ !*turn))? else {
            continue;
        };
        *killed.entry(what).or_default() += 1;
        if victim == Victim::Runner {
            settings.instance.up().context("start the runner again")?;
        }
        break;
    }
    Ok(())
}

/// Waits until the table has what it must have, and then a little longer: what comes twice may come late.
fn drain(settings: &Settings, produced: u64) -> anyhow::Result<()> {
    let instance = &settings.instance;
    let expected = (0..produced).filter(|n| settings.records.kind(*n) == records::Kind::Fresh).count();
    let expected = u64::try_from(expected).context("count the good records")?;
    let deadline = Instant::now() + settings.drain;
    let mut rows = 0;
    while rows < expected {
        if Instant::now() > deadline {
            bail!("the table has {rows} rows after {} s, expected {expected}", settings.drain.as_secs());
        }
        // A committer that was killed comes again with its schedule; there is no need to wait for that.
        if let Err(error) = instance.millrace(&["fire", "lake-committer"]) {
            say(&format!("{error:#}"));
        }
        std::thread::sleep(LOOK_INTERVAL);
        match check::count(instance) {
            Ok(now) => rows = now,
            // What was killed last may not be back yet.
            Err(error) => say(&format!("{error:#}")),
        }
        say(&format!("{rows} of {expected} rows are committed"));
    }
    instance.millrace(&["fire", "lake-committer"]).map(drop)
}

fn report(killed: &BTreeMap<String, u64>, account: &Account, seconds: f64) {
    let Account { fresh, bad, repeats, rows, lost, doubled, misplaced, .. } = account;
    let Account { dead_letters, dead_lost, dead_wrong, failed, own, named, .. } = account;
    for fault in named {
        say(fault);
    }
    let kills: Vec<String> = killed.iter().map(|(what, count)| format!("{what} {count}")).collect();
    say(&format!("{} kills: {}", killed.values().sum::<u64>(), kills.join(", ")));
    say(&format!("{} records in {seconds:.0} s: {fresh} good, {bad} bad, {repeats} repeats", fresh + bad + repeats));
    say(&format!("{rows} rows: {lost} lost, {doubled} doubled, {misplaced} misplaced"));
    say(&format!("{dead_letters} dead letters: {dead_lost} lost, {dead_wrong} wrong; {failed} messages given up"));
    say(&format!("the lake says: {own:?}"));
}
