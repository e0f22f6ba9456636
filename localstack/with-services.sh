#!/usr/bin/env bash
# with-services.sh COMMAND...: builds, starts the services (no functions) as an instance of its own on free ports beside
# a running `make up`, runs the command with their addresses in its environment, and always stops them again.
# `make test` is `with-services.sh cargo test --workspace`. The exit status is the command's.
MILLRACE_SERVICE=with-services
. "$(dirname "$0")/lib.sh"
cd "$MILLRACE_ROOT"
[ $# -gt 0 ] || die "usage: with-services.sh COMMAND..."

instance="${MILLRACE_TEST_DIR:-$MILLRACE_ROOT/.millrace/test}"
# An instance is native here whatever `make up` uses, and nothing of the caller's stack replaces its services.
export MILLRACE_ENV_FILE=/dev/null
unset PG_SHARD_USER PG_SHARD_PASS PG_SHARD_DB PG_MASTER_USER PG_MASTER_PASS PG_MASTER_DB
unset MILLRACE_SERVICES MILLRACE_DIR MILLRACE_DATA KAFKA_BOOTSTRAP_SERVERS DATABASE_URL AWS_ENDPOINT_URL GITHUB_API_URL \
    POSTGRES_SHARD_1_URL POSTGRES_SHARD_2_URL POSTGRES_SHARD_3_URL RABBITMQ_URL RABBITMQ_MANAGEMENT_URL
unset BOOTSTRAP_SERVERS EVENTHUB_CONNECTIONSTRING KAFKA_SECURITY_PROTOCOL KAFKA_SASL_MECHANISM DB_HOST

build_and_install services tests

catalog=""
stop() {
    [ -z "$catalog" ] || kill "$catalog" 2>/dev/null || true
    "$BIN_DIR/millrace" down --dir "$instance" || true
}
# What an interrupted run left behind goes first: its processes, then its data.
[ ! -d "$instance" ] || stop
rm -rf "$instance"
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

"$BIN_DIR/millrace" up --services-only --dir "$instance" --ports free --detach
addresses=$("$BIN_DIR/millrace" env --dir "$instance")
eval "$addresses"
MILLRACE_READERS_PYTHON=$(bash localstack/readers.sh python)
MILLRACE_TOOLS_BIN=$(bash localstack/tools.sh bin)
MILLRACE_CHROMIUM=$(bash localstack/browser.sh program)
MILLRACE_AXE=$(bash localstack/browser.sh axe)
export MILLRACE_CHROMIUM MILLRACE_AXE MILLRACE_READERS_PYTHON MILLRACE_TOOLS_BIN MILLRACE_BIN_DIR="$BIN_DIR"

# The REST catalog is for the tests alone, so that no instance knows it.
export MILLRACE_PORT_ICEBERG_REST
MILLRACE_PORT_ICEBERG_REST=$("$MILLRACE_READERS_PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
MILLRACE_SERVICE=iceberg-rest MILLRACE_DIR="$instance" bash localstack/iceberg-rest.sh run >"$instance/log/iceberg-rest.log" 2>&1 &
catalog=$!
waited=0
until bash localstack/iceberg-rest.sh ready; do
    waited=$((waited + 1))
    if [ "$waited" -ge 300 ] || ! kill -0 "$catalog" 2>/dev/null; then
        die "the REST catalog does not answer; its log is $instance/log/iceberg-rest.log"
    fi
    sleep 0.1
done
export ICEBERG_REST_URI="http://127.0.0.1:$MILLRACE_PORT_ICEBERG_REST"

status=0
"$@" || status=$?
[ "$status" = 0 ] || say "\`$*\` ended with status $status; the services' logs stay in $instance/log"
exit "$status"
