//! The same table read by another engine, PyIceberg (`MILLRACE_READERS_PYTHON`).

use std::collections::BTreeMap;
use std::process::Command;

use lake::testing::World;

/// Prints `properties`, the current `ids`, and operation and number of rows of each snapshot by time.
const SCRIPT: &str = r#"
import json, os, sys
from pyiceberg.catalog import load_catalog
table = load_catalog("millrace", type="sql", uri=sys.argv[1], **{
    "s3.endpoint": os.environ["AWS_ENDPOINT_URL"], "s3.access-key-id": "test", "s3.secret-access-key": "test",
    "s3.region": "us-east-1"}).load_table("test.rows")
ids = lambda snapshot: sorted(table.scan(selected_fields=("id",), snapshot_id=snapshot).to_arrow()["id"].to_pylist())
print(json.dumps({
    "properties": table.properties,
    "ids": ids(None),
    "snapshots": [[s.snapshot_id, s.summary.operation.value, int(s.summary["total-records"]), len(ids(s.snapshot_id))]
                  for s in sorted(table.snapshots(), key=lambda s: s.sequence_number)],
    "manifests": [[m.manifest_path, m.added_files_count, m.existing_files_count, m.deleted_files_count]
                  for m in table.current_snapshot().manifests(table.io)],
    "files": len(list(table.scan().plan_files())),
}))
"#;

/// What PyIceberg finds.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Found {
    pub(crate) properties: BTreeMap<String, String>,
    /// Of the current snapshot, sorted.
    pub(crate) ids: Vec<String>,
    /// Id, operation, rows as its summary says, and rows as they are read from it.
    pub(crate) snapshots: Vec<(i64, String, i64, i64)>,
    /// Path, and files added, existing and deleted.
    pub(crate) manifests: Vec<(String, i64, i64, i64)>,
    /// Live data files.
    pub(crate) files: usize,
}

/// Reads everything, all retained snapshots too.
pub(crate) async fn read(world: &World) -> Found {
    let python = std::env::var("MILLRACE_READERS_PYTHON").expect("MILLRACE_READERS_PYTHON is not set: run `make test`");
    let uri = world.url.replacen("postgres://", "postgresql+psycopg2://", 1);
    let run = move || Command::new(python).args(["-c", SCRIPT, &uri]).output().unwrap();
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Found = serde_json::from_slice(&output.stdout).unwrap();
    for (id, operation, told, read) in &found.snapshots {
        assert_eq!(told, read, "snapshot {id} ({operation}) does not hold what its summary says");
    }
    found
}
