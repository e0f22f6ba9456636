#!/usr/bin/env bash
# up.sh [RUNS]: how long `millrace up` takes until all is ready, from a build that is done: with data of earlier runs, and
# with none. What it starts is an instance of its own on free ports, beside a running `make up`.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-5}
millrace=${CARGO_TARGET_DIR:-target}/debug/millrace
instance=$(mktemp -d)/instance
trap '"$millrace" down --dir "$instance" >/dev/null 2>&1 || true; rm -rf "$(dirname "$instance")"' EXIT

# once: the seconds that `up` itself prints, and stops again.
once() {
    "$millrace" up --detach --dir "$instance" --ports free | sed -n 's/^ready after \([0-9.]*\) s.*/\1/p'
    "$millrace" down --dir "$instance" >/dev/null
}
# spread NAME: of the seconds on stdin.
spread() { sort -n | awk -v name="$1" '{ s[NR] = $1 } END { printf "%s: min %s s, median %s s, max %s s (%d runs)\n", name, s[1], s[int((NR + 1) / 2)], s[NR], NR }'; }

echo "load average $(uptime | sed 's/.*load average: //')"
for _ in $(seq "$runs"); do
    rm -rf "$instance"
    once
done | spread "no data yet"
for _ in $(seq "$runs"); do once; done | spread "data of earlier runs"
echo "load average $(uptime | sed 's/.*load average: //')"
