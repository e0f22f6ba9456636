#!/usr/bin/env bash
# The limit, Millrace, Kafka Connect's Iceberg sink and Spark Structured Streaming, in turn on the same topics and machine;
# then one table.
#   bash localstack/with-services.sh bash benches/peers/run.sh [narrow:6000000,github:1000000]
# Each peer has the settings with which it was seen to be fastest here; its table lies in a local folder, Millrace's on the
# S3 emulator. The peers' folder is $WORK (2 GB), the results are in $WORK/results.jsonl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export WORK=${WORK:-${TMPDIR:-/tmp}/millrace-peers}
export BENCH_RECORDS=${1:-narrow:6000000,github:1000000} BENCH_TOPIC=${BENCH_TOPIC:-bench-peers-}
export BENCH_RESULTS=$WORK/results.jsonl
bash "$here/setup.sh"
rm -f "$BENCH_RESULTS"
cd "$here/../.."
# DRAIN names a program that is built already.
if [ -z "${DRAIN:-}" ]; then
    cargo build --profile bench -p github-lake-writer -p lake-committer
    cargo bench -p millrace-bench --bench drain
else
    "$DRAIN"
fi
for peer in connect spark; do
    for part in ${BENCH_RECORDS//,/ }; do
        # A peer that fails leaves the others' rows in place.
        "$WORK/venv/bin/python" "$here/$peer/drain.py" "${part%%:*}" || echo "failed: $peer ${part%%:*}" >&2
    done
done
"$WORK/venv/bin/python" "$here/table.py"
cat /proc/loadavg
