//! A backlog over ten years of days, staged and committed in a process of its own, within the function's memory. Needs
//! `DATABASE_URL` and `AWS_ENDPOINT_URL`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and this one reports a figure"
)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use domain::lake::CommitLimits;
use lake::testing::{DAY, World, in_world_of, source};
use lake::{Commit, Outcome, SegmentBuilder, Value, github};

const SEGMENTS: i64 = 300;
const ROWS: i64 = 1_000;
const DAYS: i64 = 3_650;
const BEGIN: i64 = 16_800 * DAY;
/// Half of what the committer has (`MemorySize` in template.yaml).
const ALLOWED: u64 = 512 << 20;
/// A commit of all of it.
const LIMITS: CommitLimits = CommitLimits { bytes: 1 << 30, segments: 10_000, age: Duration::ZERO };

/// The time of a row: within a segment rows are ordered by time. Three segments of four spread over all days, the
/// fourth belongs to one.
fn time(offset: i64) -> i64 {
    let (segment, row) = (offset / ROWS, offset % ROWS);
    if segment % 4 == 3 {
        return BEGIN + (segment * 12 % DAYS) * DAY + row * 1_000_000;
    }
    BEGIN + (row * DAYS / ROWS + segment % 5) * DAY + segment * 1_000_000
}

/// About 1.5 kB of JSON, as GitHub's payloads are.
fn payload(offset: i64) -> String {
    let mut text = String::from("{\"push_id\":1,\"commits\":[");
    let mut noise = u64::try_from(offset).unwrap().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for n in 0..8 {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        write!(
            text,
            "{{\"sha\":\"{noise:016x}{:016x}{n:08x}\",\"message\":\"Fix the build on machine {} and \
             mention it in the notes of the release\",\"distinct\":true,\"author\":{{\"name\":\"a{}\"}}}},",
            noise.rotate_left(17),
            noise % 997,
            noise % 89
        )
        .unwrap();
    }
    text + "{}]}"
}

fn push(offset: i64, segment: &mut SegmentBuilder) -> anyhow::Result<()> {
    let (id, login, repo) =
        (format!("{offset:012}"), format!("user-{}", offset % 3_001), format!("owner/repo-{}", offset % 7_919));
    let payload = payload(offset);
    segment.push(&[
        Value::Text(&id),
        Value::Text(if offset % 3 == 0 { "WatchEvent" } else { "PushEvent" }),
        Value::Null,
        Value::Long(offset % 3_001),
        Value::Text(&login),
        Value::Long(offset % 7_919),
        Value::Text(&repo),
        Value::Null,
        Value::Null,
        Value::Bool(true),
        Value::Timestamp(time(offset)),
        Value::Timestamp(BEGIN),
        Value::Text(&payload),
        Value::Text("github-events"),
        Value::Int(0),
        Value::Long(offset),
    ])
}

/// The most memory that this process has had since it was last asked, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10;
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak
}

async fn stage(world: &World) -> u64 {
    for segment in 0..SEGMENTS {
        let offsets: Vec<i64> = (segment * ROWS..(segment + 1) * ROWS).collect();
        assert_eq!(world.offer_rows(&source(0), &offsets, push).await.unwrap(), Some(Outcome::Staged));
    }
    u64::try_from(world.count("select sum(bytes)::bigint from lake_segments").await).unwrap()
}

#[test]
fn a_backlog_over_ten_years_of_days_stays_within_the_functions_memory() {
    in_world_of("github", "events", &github::SCHEMA, |world| async move {
        let began = Instant::now();
        let bytes = stage(&world).await;
        let (staging, writer) = (began.elapsed(), peak());
        let committer = world.committer().await;
        let began = Instant::now();
        let planned = committer.plan(&LIMITS).await.unwrap();
        let written = committer.write(planned, 128 << 20).await.unwrap();
        let Commit::Done(committed) = committer.commit(written).await.unwrap() else { panic!("the commit was lost") };
        committer.mark(&committed, chrono::Utc::now()).await.unwrap();
        let (committing, peak) = (began.elapsed(), peak());
        println!(
            "{SEGMENTS} segments, {} MB, {} rows over {DAYS} days: staged in {staging:.1?} with {} MB, \
             committed as {} files in {committing:.1?} with {} MB",
            bytes >> 20,
            committed.records,
            writer >> 20,
            committed.files,
            peak >> 20
        );
        assert_eq!(committed.records, u64::try_from(SEGMENTS * ROWS).unwrap());
        assert!(committed.files >= usize::try_from(DAYS).unwrap(), "a file a day");
        assert!(writer < ALLOWED, "the writer needed {writer} bytes");
        assert!(peak < ALLOWED, "the committer needed {peak} bytes");
        let total = u64::try_from(world.count("select records from lake_tables").await).unwrap();
        assert_eq!(total, committed.records);
    });
}
