"""Prints all results of a run as one table, and each row's ratio to the limit."""

import json, os, pathlib

rows = [json.loads(line) for line in pathlib.Path(os.environ["BENCH_RESULTS"]).read_text().splitlines()]
limits = {row["payload"]: row["seconds"] for row in rows if row["peer"] == "limit: parquet"}
show = lambda value, form="": "" if value is None else format(value, form)
print("| what | payload | records | s | records/s | MB/s | of the limit | steady records/s | CPU s | peak RSS MB | others' cores | rows, distinct |")
print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
for row in rows:
    seconds, check = row["seconds"], row.get("check") or row
    found = f"{check['rows']:,}, {check['distinct']:,}" if check.get("rows") else ""
    print(f"| {row['peer']} | {row['payload']} | {row['records']:,} | {seconds:.1f} | {row['records'] / seconds:,.0f} | "
          f"{row['bytes'] / seconds / 1e6:.0f} | {limits[row['payload']] / seconds:.0%} | {show(row.get('steady_rec_s'), ',.0f')} | "
          f"{show(row.get('cpu_s_with_start', row.get('cpu_s')), '.1f')} | {show(row.get('peak_rss_mb'), ',.0f')} | "
          f"{show(row.get('others_cores'), '.2f')} | {found} |")
