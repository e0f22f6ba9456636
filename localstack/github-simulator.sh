#!/usr/bin/env bash
# The GitHub API from a simulator, which is a crate of this workspace beside this script. Verbs: install, run, ready.
. "$(dirname "$0")/lib.sh"

run() {
    local binary="${MILLRACE_BIN_DIR:-$MILLRACE_ROOT/target/debug}/github-simulator"
    [ -x "$binary" ] || die "$binary is not built; run \`cargo build --workspace --bins\`"
    mkdir -p "$MILLRACE_DATA"
    cd "$MILLRACE_DATA"
    exec "$binary"
}

ready() { [ "$(http_status GET "$(port GITHUB_SIMULATOR)" /health)" = 200 ]; }

case ${1:-} in
    install) ;; # built with the workspace
    run) run ;;
    ready) ready ;;
    *) die "usage: github-simulator.sh install|run|ready" ;;
esac
