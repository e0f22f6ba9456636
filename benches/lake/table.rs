//! What another engine finds in the table, and the removal of what a run has left.

use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

/// PyIceberg reads the ids; then the warehouse's objects are deleted.
const CHECK: &str = r#"
import json, os
import pyarrow.compute as pc, pyarrow.fs
from pyiceberg.catalog.sql import SqlCatalog
env = os.environ
catalog = SqlCatalog("millrace", uri=env["DATABASE_URL"].replace("postgres://", "postgresql+psycopg2://", 1),
    warehouse=env["LAKE_WAREHOUSE"], **{"s3.endpoint": env["AWS_ENDPOINT_URL"], "s3.region": env["AWS_REGION"],
    "s3.access-key-id": env["AWS_ACCESS_KEY_ID"], "s3.secret-access-key": env["AWS_SECRET_ACCESS_KEY"]})
table = catalog.load_table(env["BENCH_TABLE"])
sizes = table.inspect.files()["file_size_in_bytes"].to_pylist()
ids = table.scan(selected_fields=("id",)).to_arrow()["id"]
print(json.dumps({"rows": len(ids), "distinct": pc.count_distinct(ids).as_py(), "files": len(sizes), "bytes": sum(sizes),
    "snapshots": len(table.snapshots())}))
store = pyarrow.fs.S3FileSystem(endpoint_override=env["AWS_ENDPOINT_URL"].split("//")[1], scheme="http",
    region=env["AWS_REGION"], access_key=env["AWS_ACCESS_KEY_ID"], secret_key=env["AWS_SECRET_ACCESS_KEY"])
store.delete_dir(env["LAKE_WAREHOUSE"].removeprefix("s3://"))
"#;

/// What the table holds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Held {
    pub(crate) rows: u64,
    pub(crate) distinct: u64,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) snapshots: u64,
}

/// Reads the table back, and removes it.
pub(crate) fn check_and_remove(table: &str, database_url: &str, warehouse: &str) -> anyhow::Result<Held> {
    let python = std::env::var("MILLRACE_READERS_PYTHON");
    let output = Command::new(python.context("MILLRACE_READERS_PYTHON is not set: run `make bench`")?)
        .args(["-c", CHECK])
        .env("DATABASE_URL", database_url)
        .env("LAKE_WAREHOUSE", warehouse)
        .env("BENCH_TABLE", table)
        .output()?;
    ensure!(output.status.success(), "read the table: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("read what PyIceberg found")
}
