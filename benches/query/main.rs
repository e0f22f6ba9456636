//! `GET /events` and `GET /stats` over 1,000,000 events, warm, through the runner's gateway and host; and beside them the
//! same questions to peers over the same rows, when `QUERY_PEERS` names their Python (`benches/peers/query/run.sh`).
//!
//! `QUERY_ROWS`, `QUERY_CALLS` (of each client). Lines with "computed" ask for `explain=true`, which no cache answers.

#[path = "../support/figures.rs"]
mod figures;
#[path = "../lake/generate/mod.rs"]
#[allow(dead_code, reason = "the other payload is another bench's")]
mod generate;
#[path = "../support/spread.rs"]
mod spread;
#[path = "../support/stack.rs"]
mod stack;

mod calls;
mod fill;
mod ours;
mod peers;

use std::process::ExitCode;

use anyhow::ensure;
use calls::{Case, Said};
use figures::say_load;

const PAGE: &str = "/events?hours_back=1&page_size=10&event_type=PushEvent";
const RARE: &str = "/events?hours_back=1&page_size=10&event_type=PublicEvent";
const STATS: &str = "/stats?hours_back=6";

/// The questions that peers are asked too.
const COMMON: [Case; 3] = [
    Case { name: "page", path: PAGE },
    Case { name: "rare page", path: RARE },
    Case { name: "stats 6 h", path: STATS },
];
/// What an answer costs that is not kept.
const COMPUTED: [Case; 5] = [
    Case { name: "page, computed", path: "/events?hours_back=1&page_size=10&event_type=PushEvent&explain=true" },
    Case { name: "rare page, computed", path: "/events?hours_back=1&page_size=10&event_type=PublicEvent&explain=true" },
    Case { name: "stats 6 h, computed", path: "/stats?hours_back=6&explain=true" },
    Case { name: "stats 24 h, computed", path: "/stats?hours_back=24&explain=true" },
    Case { name: "100 of 24 h, computed", path: "/events?hours_back=24&page_size=100&explain=true" },
];

fn main() -> ExitCode {
    stack::main(run)
}

#[tokio::main]
async fn run() -> anyhow::Result<()> {
    let number = |name: &str, default: u64| std::env::var(name).map_or(Ok(default), |text| text.parse());
    let (rows, calls) = (number("QUERY_ROWS", 1_000_000)?, usize::try_from(number("QUERY_CALLS", 200)?)?);
    say_load();
    let table = fill::filled(rows).await?;
    calls::say_head();
    let mut pages: Vec<(String, Said)> = Vec::new();
    let mut ours = ours::start(&table)?;
    let address = format!("http://{}", ours.address("Api").await?);
    for case in COMPUTED.into_iter().chain(COMMON) {
        let said = calls::measure("millrace", &address, case, calls).await?;
        if case.path == PAGE {
            pages.push(("millrace".to_owned(), said));
        }
    }
    drop(ours);
    for engine in ["duckdb", "pyiceberg"] {
        let Some(peer) = peers::Peer::start(engine, &table).await? else { continue };
        for case in COMMON {
            let said = calls::measure(engine, &peer.address, case, calls.min(peer.calls)).await?;
            if case.path == PAGE {
                pages.push((engine.to_owned(), said));
            }
        }
    }
    let first = pages.first().cloned();
    for (who, said) in &pages {
        let same = first.as_ref().is_some_and(|(_, first)| first == said);
        ensure!(same && said.ids.len() == 10, "{who} found another page: {said:?} {first:?}");
    }
    say_load();
    table.database.drop_database().await;
    Ok(())
}
