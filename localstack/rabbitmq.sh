#!/usr/bin/env bash
# RabbitMQ with its management API: one node on this machine only, login millrace/millrace, virtual host `/`. Verbs:
# install, run, ready (see services.yaml). Queues are the business of whoever uses them; none is there at first.
. "$(dirname "$0")/lib.sh"

# Millions of file handles that a container's limit may allow would cost Erlang a gigabyte of tables.
readonly MAXIMUM_FILES=65536

# --- installation: Debian's package, Homebrew's elsewhere -----------------------------------------------------------

# Sets SBIN. The program on Debian's PATH is another one: it changes to the user rabbitmq and drops the environment.
find_rabbitmq() {
    local candidate
    for candidate in "${RABBITMQ_SBIN:-}" /usr/lib/rabbitmq/bin /opt/homebrew/opt/rabbitmq/sbin /usr/local/opt/rabbitmq/sbin; do
        [ -n "$candidate" ] && [ -x "$candidate/rabbitmq-server" ] || continue
        SBIN=$candidate
        return 0
    done
    return 1
}

install_rabbitmq() {
    find_rabbitmq && return 0
    apt_install_without_service && find_rabbitmq && return 0
    # Its absence does not end the setup: a stack without RabbitMQ triggers runs without it.
    say "not installed; functions with a RabbitMQ trigger and the tests need it. $(advice)" >&2
}

advice() {
    echo "Install it and try again:
    Debian, Ubuntu:  sudo apt-get install -y --no-install-recommends rabbitmq-server && sudo systemctl disable --now rabbitmq-server
    macOS:           brew install rabbitmq
    elsewhere:       RABBITMQ_SBIN names the folder of the program rabbitmq-server (3.8 or newer); or set RABBITMQ_URL"
}

# The package would start a server of its own on the usual ports, now and at every boot; both are kept from happening.
apt_install_without_service() {
    is_root && have apt-get || return 1
    local policy=/usr/sbin/policy-rc.d written=0 status=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        written=1
    fi
    apt_install rabbitmq-server || status=$?
    [ "$written" = 0 ] || rm -f "$policy"
    ! have systemctl || systemctl disable rabbitmq-server >/dev/null 2>&1 || true
    return "$status"
}

# --- the server -----------------------------------------------------------------------------------------------------

# Writes its configuration into the data folder.
configure() {
    mkdir -p "$MILLRACE_DATA/etc" "$MILLRACE_DATA/home"
    echo '[rabbitmq_management].' >"$MILLRACE_DATA/etc/enabled_plugins"
    cat >"$MILLRACE_DATA/etc/rabbitmq.conf" <<CONFIGURATION
listeners.tcp.1 = 127.0.0.1:$(port RABBITMQ)
management.tcp.ip = 127.0.0.1
management.tcp.port = $(port RABBITMQ_MANAGEMENT)
management.load_definitions = $MILLRACE_DATA/etc/definitions.json
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 256MiB
disk_free_limit.absolute = 50MB
CONFIGURATION
    cat >"$MILLRACE_DATA/etc/definitions.json" <<'DEFINITIONS'
{
  "vhosts": [{"name": "/"}],
  "users": [{"name": "millrace", "password": "millrace", "tags": ["administrator"]}],
  "permissions": [{"user": "millrace", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
  "queues": [], "exchanges": [], "bindings": []
}
DEFINITIONS
}

run() {
    find_rabbitmq || die "not installed. $(advice)"
    configure
    local name
    for name in $(compgen -e RABBITMQ_ || true); do unset "$name"; done
    [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -le "$MAXIMUM_FILES" ] || ulimit -n "$MAXIMUM_FILES"
    # The name server of Erlang's nodes. One of this instance's own, because a node would start a daemon that outlives
    # it, on a port where every Erlang of the machine looks; and on the loopback only.
    local names_port names
    names_port=$(port RABBITMQ_EPMD)
    export ERL_EPMD_PORT="$names_port" ERL_EPMD_ADDRESS=127.0.0.1
    epmd -port "$names_port" -address 127.0.0.1 &
    names=$!
    # A process that TERM reaches directly is what RUNNING_UNDER_SYSTEMD stands for in its script, and no more.
    export RUNNING_UNDER_SYSTEMD=true HOME="$MILLRACE_DATA/home" ERL_CRASH_DUMP_SECONDS=0 \
        RABBITMQ_NODENAME=millrace@localhost RABBITMQ_CONF_ENV_FILE=/dev/null \
        RABBITMQ_MNESIA_BASE="$MILLRACE_DATA/mnesia" RABBITMQ_LOG_BASE="$MILLRACE_DATA/log" \
        RABBITMQ_CONFIG_FILE="$MILLRACE_DATA/etc/rabbitmq" RABBITMQ_PID_FILE="$MILLRACE_DATA/rabbitmq.pid" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$MILLRACE_DATA/etc/enabled_plugins" \
        RABBITMQ_DIST_PORT="$(port RABBITMQ_DISTRIBUTION)" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none'
    cd "$MILLRACE_DATA"
    "$SBIN/rabbitmq-server" &
    local status=0
    forward_stop $! TERM || status=$?
    kill "$names" 2>/dev/null || true
    return "$status"
}

# Answers when the broker takes connections and its login is there.
ready() {
    [ "$(http_status GET "$(port RABBITMQ_MANAGEMENT)" "/api/health/checks/port-listener/$(port RABBITMQ)" \
        'Authorization: Basic bWlsbHJhY2U6bWlsbHJhY2U=')" = 200 ]
}

if uses_docker; then
    docker_verb "${1:-}" rabbitmq
    exit
fi
case ${1:-} in
    install) install_rabbitmq ;;
    run) run ;;
    ready) ready ;;
    *) die "usage: rabbitmq.sh install|run|ready" ;;
esac
