"""Compares the lake's table with the topic that it came from. Standard input: the topic's records, a line of JSON each
(`millrace topic consume --json`). Two engines read the table, PyIceberg by its own plan and DuckDB from the bare files;
both must find the same values in all columns, and those of the first record of each id. Prints what was found."""

import datetime
import json
import sys
import tempfile

import duckdb
from pyiceberg.catalog import load_catalog

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def microseconds(time):
    return (time - EPOCH) // MICROSECOND


def expected(records):
    """Rows by id, of the topic's records that are events; the first of an id counts."""
    rows, repeats, bad = {}, 0, 0
    for record in sorted(records, key=lambda record: (record["partition"], record["offset"])):
        try:
            event = json.loads(record["value"])
            created_at = microseconds(datetime.datetime.fromisoformat(event["created_at"]))
        except (ValueError, KeyError):
            bad += 1
            continue
        payload, org = event.get("payload"), event.get("org") or {}
        row = {
            "id": event["id"], "type": event["type"], "action": (payload or {}).get("action"),
            "actor_id": event["actor"]["id"], "actor_login": event["actor"]["login"],
            "repo_id": event["repo"]["id"], "repo_name": event["repo"]["name"],
            "org_id": org.get("id"), "org_login": org.get("login"), "public": event.get("public"),
            "created_at": created_at, "payload": payload,
            "kafka_partition": record["partition"], "kafka_offset": record["offset"],
        }
        repeats += row["id"] in rows
        rows.setdefault(row["id"], row)
    return rows, repeats, bad


def plain(row):
    """A row of the table in the same shape."""
    row = dict(row)
    payload = row.pop("payload")
    row.pop("kafka_topic"), row.pop("ingested_at")
    created_at = microseconds(row.pop("created_at"))
    return {**row, "created_at": created_at, "payload": None if payload is None else json.loads(payload)}


def with_duckdb(table, folder):
    """The rows of all files of the current snapshot, without anything of Iceberg."""
    names = []
    for number, task in enumerate(table.scan().plan_files()):
        names.append(f"{folder}/{number}.parquet")
        with open(names[-1], "wb") as file:
            file.write(table.io.new_input(task.file.file_path).open().read())
    if not names:
        return []
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    return connection.sql("select * from read_parquet($names, union_by_name = true)", params={"names": names}).to_arrow_table().to_pylist()


wanted, repeats, bad = expected(json.loads(line) for line in sys.stdin)
table = load_catalog("millrace").load_table("github.events")
key = lambda row: (row["id"], row["kafka_partition"], row["kafka_offset"])
rows = sorted(table.scan().to_arrow().to_pylist(), key=key)
with tempfile.TemporaryDirectory() as folder:
    others = sorted(with_duckdb(table, folder), key=key)
faults = [f"{len(rows)} rows by PyIceberg, {len(others)} by DuckDB"] if len(rows) != len(others) else []
for row, other in zip(rows, others):
    if row != other:
        faults.append(f"PyIceberg has {row}, DuckDB {other}")
for row in map(plain, rows):
    if row != wanted.get(row["id"]):
        faults.append(f"the table has {row}, the topic {wanted.get(row['id'])}")
ids = [row["id"] for row in rows]
print(json.dumps({
    "rows": len(ids), "ids": len(set(ids)), "wanted": len(wanted), "repeats": repeats, "bad": bad,
    "snapshots": len(table.metadata.snapshots), "faults": faults[:5],
}))
