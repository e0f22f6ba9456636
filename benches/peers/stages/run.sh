#!/usr/bin/env bash
# Five stages of numbers: Millrace, and the same as plain Python consumers, one message at a time and in batches; in turn on one
# broker and Postgres; then one table.
#   bash localstack/with-services.sh bash benches/peers/stages/run.sh
# BENCH_MESSAGES, BENCH_RATE and BENCH_SECONDS are those of `benches/numbers`. The results are in $WORK/numbers.jsonl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export WORK=${WORK:-${TMPDIR:-/tmp}/millrace-peers}
export BENCH_RESULTS=$WORK/numbers.jsonl
mkdir -p "$WORK"
[[ -x $WORK/stages/bin/python ]] || python3 -m venv "$WORK/stages"
"$WORK/stages/bin/pip" install -q confluent-kafka==2.16.1 "psycopg[binary]==3.3.9"
rm -f "$BENCH_RESULTS"
cd "$here/../../.."
# NUMBERS names a bench that is built already, beside its function.
if [ -z "${NUMBERS:-}" ]; then
    cargo build --profile bench -p numbers-stages
    cargo bench -p millrace-bench --bench numbers
else
    "$NUMBERS"
fi
for mode in one batch; do
    # A peer that fails leaves the others' rows in place.
    "$WORK/stages/bin/python" "$here/bench.py" "$mode" || echo "failed: $mode" >&2
done
"$WORK/stages/bin/python" "$here/table.py"
cat /proc/loadavg
