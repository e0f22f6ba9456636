"""Copies the rows of a table of ours into the peers' own, in a local folder: eight files in the order of time.

    load.py METADATA_LOCATION ROWS      kept if it is there already
"""

import os, pathlib, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common

COLUMNS = ("id", "type", "actor_login", "repo_name", "org_login", "public", "created_at", "payload")


def load(location, rows):
    import pyarrow as pa
    from pyiceberg.table import StaticTable
    cat = common.catalog()
    cat.create_namespace_if_not_exists("lake")
    if cat.table_exists("lake.events"):
        if cat.load_table("lake.events").properties.get("copy-of") == location:
            return
        cat.drop_table("lake.events")
    env = os.environ
    ours = StaticTable.from_metadata(location, {"s3.endpoint": env["AWS_ENDPOINT_URL"], "s3.region": env["AWS_REGION"],
        "s3.access-key-id": env["AWS_ACCESS_KEY_ID"], "s3.secret-access-key": env["AWS_SECRET_ACCESS_KEY"]})
    times = ours.scan(selected_fields=("created_at",)).to_arrow()["created_at"].combine_chunks().cast(pa.int64()).sort()
    cuts = [times[rows * piece // 8].as_py() for piece in range(8)] + [times[-1].as_py() + 1]
    table = None
    for begin, end in zip(cuts, cuts[1:]):
        at = lambda micros: pa.scalar(micros, pa.timestamp("us", "UTC")).as_py().isoformat()
        piece = ours.scan(selected_fields=COLUMNS, row_filter=f"created_at >= '{at(begin)}' and created_at < '{at(end)}'").to_arrow()
        piece = piece.sort_by("created_at").replace_schema_metadata(None)
        piece = pa.table({name: piece[name] for name in COLUMNS})
        if table is None:
            place = f"{common.warehouse()}/events-{abs(hash(location))}"
            table = cat.create_table("lake.events", piece.schema, location=place, properties={
                "write.parquet.compression-codec": "zstd", "write.parquet.row-group-limit": "32768"})
        table.append(piece)
    with table.transaction() as transaction:
        transaction.set_properties({"copy-of": location})
    held = int(table.current_snapshot().summary["total-records"])
    if held != rows:
        raise SystemExit(f"the copy has {held} rows, the table {rows}")


if __name__ == "__main__":
    load(sys.argv[1], int(sys.argv[2]))
