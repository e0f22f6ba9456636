"""Prints all results of a run as one table."""

import json, os, pathlib

rows = [json.loads(line) for line in pathlib.Path(os.environ["BENCH_RESULTS"]).read_text().splitlines()]
drains = {row["peer"]: row for row in rows if row["what"] == "drain"}
rates = {row["peer"]: row for row in rows if row["what"] == "rate"}
ours = drains.get("millrace", {}).get("rec_s")
print("| what | messages | messages/s | steady | Millrace is | CPU us a message | at messages/s | p50 | p90 | p99 | max ms |")
print("|---|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|")
for peer, row in drains.items():
    late = rates.get(peer, {})
    cpu = ", ".join(f"{name} {used:.0f}" for name, used in row["cpu_us"].items())
    times = " | ".join(f"{late[name]:.1f}" if name in late else "" for name in ("p50_ms", "p90_ms", "p99_ms", "max_ms"))
    print(f"| {peer} | {row['records']:,} | {row['rec_s']:,.0f} | {row['steady_rec_s']:,.0f} | "
          f"{f'''{ours / row['rec_s']:.1f}''' if ours else ''} times | {cpu} | {late.get('rate', '')} | {times} |")
