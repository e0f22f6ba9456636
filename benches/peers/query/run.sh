#!/usr/bin/env bash
# The query API, and the same questions to DuckDB and PyIceberg behind FastAPI, over the same rows, on one machine; one table.
#   bash localstack/with-services.sh bash benches/peers/query/run.sh
# The peers' rows lie in a local folder, Millrace's on the S3 emulator. The peers' folder is $WORK (1 GB).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export WORK=${WORK:-${TMPDIR:-/tmp}/millrace-peers} BENCH_RESULTS=/dev/null
mkdir -p "$WORK"
[[ -x $WORK/query/bin/python ]] || python3 -m venv "$WORK/query"
"$WORK/query/bin/pip" install -q duckdb==2.0.0 pytz fastapi==0.165.0 uvicorn==0.54.0 pyarrow==26.0.1 "pyiceberg[sql-sqlite,pyarrow]==0.12.0"
export QUERY_PEERS=$WORK/query/bin/python
cd "$here/../../.."
# QUERY names a bench that is built already, beside its function.
if [ -z "${QUERY:-}" ]; then
    cargo build --profile bench -p github-query-api
    cargo bench -p millrace-bench --bench query
else
    "$QUERY"
fi
cat /proc/loadavg
