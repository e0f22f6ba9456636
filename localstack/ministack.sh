#!/usr/bin/env bash
# MiniStack, an AWS emulator: S3, SQS, SNS, Secrets Manager and SES for the local stack. Verbs: install, run, ready (see
# services.yaml). State and objects are on disk and survive a stop; the runner makes the template's queues and buckets.
. "$(dirname "$0")/lib.sh"

readonly VERSION=1.5.33
readonly HOME_DIR="$MILLRACE_OPT/ministack-$VERSION"

install_ministack() { venv_install "$HOME_DIR/venv" "ministack==$VERSION"; }

run() {
    require_installed "$HOME_DIR"
    mkdir -p "$MILLRACE_DATA/state" "$MILLRACE_DATA/s3"
    cd "$MILLRACE_DATA"
    keep_buckets
    # By default it would listen on all interfaces, open MQTT and SFTP ports, and keep its state under /tmp.
    export BIND_HOST=127.0.0.1 GATEWAY_PORT="$(port MINISTACK)" IOT_MTLS_ENABLED=0 SFTP_ENABLED=0
    export PERSIST_STATE=1 STATE_DIR="$MILLRACE_DATA/state" S3_PERSIST=1 S3_DATA_DIR="$MILLRACE_DATA/s3"
    export LOG_LEVEL="${MINISTACK_LOG_LEVEL:-WARNING}"
    # Its own endpoint must not be taken for a real AWS by the client library inside it.
    unset AWS_ENDPOINT_URL AWS_PROFILE
    exec "$HOME_DIR/venv/bin/python" -m ministack
}

# An object is on disk before its PUT is answered, but which buckets there are is written at a clean stop only. After a
# kill they are known by their folders, except that an empty folder is passed over: so none is left empty.
keep_buckets() {
    local bucket
    for bucket in "$MILLRACE_DATA"/s3/*/*/; do
        [ ! -d "$bucket" ] || mkdir -p "$bucket.bucket"
    done
}

ready() { [ "$(http_status GET "$(port MINISTACK)" /_ministack/health)" = 200 ]; }

if uses_docker; then
    docker_verb "${1:-}" "${MILLRACE_EMULATOR:-ministack}"
    exit
fi
case ${1:-} in
    install) install_once "$HOME_DIR" install_ministack ;;
    run) run ;;
    ready) ready ;;
    *) die "usage: ministack.sh install|run|ready" ;;
esac
