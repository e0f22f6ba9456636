//! The lake writer of the bench's own records: what `github-lake-writer` is, with another format and table.

use ingest::Writer;
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent};
use lake::Lake;
use millrace_bench::narrow::{NAMESPACE, Narrow, SCHEMA, TABLE};

#[tokio::main]
async fn main() -> Result<(), kit::Error> {
    kit::run(load(), handle).await
}

async fn load() -> anyhow::Result<Writer<Narrow>> {
    let env = kit::Env::from_process();
    let config = lake::Config::read(NAMESPACE, TABLE, |name| env.optional(name));
    let (postgres, kafka) = tokio::try_join!(pg::Config::load(), kafka::Config::load())?;
    let pool = pg::connect_lazy(&pg::Config { max_connections: 2, ..postgres })?;
    Ok(Writer::new(Narrow, Lake::new(config, &SCHEMA, pool), kafka))
}

async fn handle(writer: &Writer<Narrow>, event: KafkaEvent, invocation: &Invocation) -> anyhow::Result<BatchResponse> {
    writer.handle(event, invocation).await
}
