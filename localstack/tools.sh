#!/usr/bin/env bash
# Command lines that the tests call as a user would: `aws` and `cargo-lambda`, and `schemathesis`, which calls every API by its
# description, from PyPI in one virtual environment.
# Verbs: install; bin (prints the directory, which `make test` exports as MILLRACE_TOOLS_BIN).
. "$(dirname "$0")/lib.sh"

# One number for this exact set: raise it with any pin.
readonly HOME_DIR="$MILLRACE_OPT/tools-2"

install_tools() {
    venv_install "$HOME_DIR/venv" 'awscli==1.46.2' 'schemathesis==4.32.5'
    # Without its dependency, the Zig compiler (350 MB), which only `cargo lambda build` calls.
    "$HOME_DIR/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps 'cargo-lambda==1.9.2'
}

case ${1:-} in
    install) install_once "$HOME_DIR" install_tools ;;
    bin) require_installed "$HOME_DIR" && echo "$HOME_DIR/venv/bin" ;;
    *) die "usage: tools.sh install|bin" ;;
esac
