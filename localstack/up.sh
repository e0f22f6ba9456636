#!/usr/bin/env bash
# `make up`: installs what is missing and builds, side by side, then starts the stack: `up.sh [SYSTEM...]`.
MILLRACE_SERVICE=up
. "$(dirname "$0")/lib.sh"
cd "$MILLRACE_ROOT"

# Docker where an engine answers, not where merely its client is installed; MILLRACE_SERVICES=native or docker decides.
if [ -z "${MILLRACE_SERVICES:-}" ]; then
    MILLRACE_SERVICES=native
    if have docker && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
        MILLRACE_SERVICES=docker
        say "a Docker engine answers: services come from localstack/docker-compose.yml (MILLRACE_SERVICES=native: without Docker)"
    fi
fi
export MILLRACE_SERVICES

build_and_install services
exec "$BIN_DIR/millrace" up --detach --no-build "$@"
