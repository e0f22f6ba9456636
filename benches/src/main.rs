//! The function that the benches invoke. It decodes its batch, as every function does, notes when the batch came if
//! `BENCH_ARRIVALS` names a file, and says that all is done.

use std::{
    fs::File,
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use kit::{
    Invocation,
    kafka::{BatchResponse, KafkaEvent},
};

struct Deps {
    /// A line a record: its value, a space, and the nanoseconds since the epoch at which the handler began.
    arrivals: Option<File>,
}

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(load(), handle).await
}

async fn load() -> anyhow::Result<Deps> {
    let env = kit::Env::from_process();
    let path = env.optional("BENCH_ARRIVALS");
    env.finish()?;
    let open = |path: String| File::create(&path).with_context(|| format!("create {path}"));
    Ok(Deps { arrivals: path.map(open).transpose()? })
}

async fn handle(deps: &Deps, event: KafkaEvent, _: &Invocation) -> anyhow::Result<BatchResponse> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    if let Some(mut file) = deps.arrivals.as_ref() {
        let mut lines = Vec::new();
        for value in event.records.iter().filter_map(|record| record.value.as_deref()) {
            lines.extend_from_slice(value);
            writeln!(lines, " {now}")?;
        }
        file.write_all(&lines)?;
    }
    Ok(BatchResponse::default())
}
