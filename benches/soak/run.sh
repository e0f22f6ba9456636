#!/usr/bin/env bash
# `make soak`: builds, installs what is missing, and runs the soak in an instance of its own on free ports. Settings, all
# optional: SOAK_RECORDS (10,000,000), SOAK_RECORDS_PER_SECOND (20,000 at most), SOAK_SECONDS_BETWEEN_KILLS (5),
# SOAK_VICTIMS (writer,committer,kafka,postgres,ministack; `runner` too when named; none), SOAK_SEED and SOAK_BEGAN (of a
# run that is to be repeated), SOAK_BAD_PER_MILLION, SOAK_REPEATS_PER_MILLION, SOAK_RECORDS_AHEAD, SOAK_DRAIN_SECONDS,
# SOAK_MINUTES (after so long the rest is left out), SOAK_COMMIT_AGE_SECONDS (2), SOAK_DIR (.millrace/soak), SOAK_KEEP (anything: the data stays). Exit status 0: each record is where it belongs, once.
MILLRACE_SERVICE=soak
. "$(dirname "$0")/../../localstack/lib.sh"
cd "$MILLRACE_ROOT"

# The instance is native whatever `make up` uses: there are processes to be killed. No .env moves it.
export MILLRACE_ENV_FILE=/dev/null
unset MILLRACE_SERVICES MILLRACE_DIR MILLRACE_DATA
build_and_install services tests
MILLRACE_READERS_PYTHON=$(bash localstack/readers.sh python)
export MILLRACE_READERS_PYTHON MILLRACE_BIN_DIR="$BIN_DIR"
# With the whole workspace's features, as everything else was built.
exec cargo test --workspace --bench soak
