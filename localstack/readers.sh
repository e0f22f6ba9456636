#!/usr/bin/env bash
# Other engines that read what Millrace writes, for the tests: PyIceberg, DuckDB and a PostgreSQL driver in one virtual
# environment. Verbs: install; python (prints the interpreter, which `make test` exports as MILLRACE_READERS_PYTHON).
. "$(dirname "$0")/lib.sh"

# One number for this exact set: raise it with any pin.
readonly HOME_DIR="$MILLRACE_OPT/readers-1"

install_readers() {
    venv_install "$HOME_DIR/venv" 'pyiceberg[pyarrow,sql-postgres]==0.12.0' 'pyarrow==26.0.1' 'duckdb==2.0.0' 'psycopg2-binary==2.9.13'
}

case ${1:-} in
    install) install_once "$HOME_DIR" install_readers ;;
    python) require_installed "$HOME_DIR" && echo "$HOME_DIR/venv/bin/python" ;;
    *) die "usage: readers.sh install|python" ;;
esac
