#!/usr/bin/env bash
# Apache Kafka: one KRaft broker and controller in one process. Verbs: install, run, ready (see services.yaml).
# Topics are the template's business: the runner creates them, nothing is created on first use.
. "$(dirname "$0")/lib.sh"

readonly VERSION=4.3.1
readonly HOME_DIR="$MILLRACE_OPT/kafka-$VERSION"
readonly SOURCES="$MILLRACE_ROOT/localstack/kafka"

install_kafka() {
    need_java
    need_mvn
    say "fetching Kafka $VERSION from Maven Central"
    mvn --batch-mode --quiet --file "$SOURCES/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$HOME_DIR/libs" 2>&1 | strip_colour ||
        die "Maven could not fetch Kafka; its message stands above"
    write_class_archive
}

# Maven resets the colour at its end, on a terminal or not.
strip_colour() { sed $'s/\033\\[[0-9;]*m//g'; }

# exec_java ARCHIVE_FLAG MAIN_CLASS ARGUMENT...: becomes Java. The heap holds a few records of 8 MB at once; the serial
# collector and the first compiler alone take the least time and memory at this size.
exec_java() {
    local archive_flag=$1
    shift
    exec "$JAVA" -Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto ${archive_flag:+"$archive_flag"} \
        -Dlog4j2.configurationFile="$SOURCES/log4j2.properties" -cp "$HOME_DIR/libs/*" "$@"
}

# Classes parsed once and mapped from then on: the broker is ready in 1.3 s instead of 4 s. The archive belongs to one
# Java, so its name has the version.
archive() { printf '%s/classes-java%s.jsa' "$HOME_DIR" "$JAVA_MAJOR"; }
use_archive() { [ ! -s "$(archive)" ] || printf -- '-XX:SharedArchiveFile=%s' "$(archive)"; }

# Runs a broker in a scratch directory until it answers, and lets it write the archive when it stops.
write_class_archive() {
    say "preparing a faster start"
    local scratch ports broker waited=0
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/millrace-kafka.XXXXXX")
    need_python
    ports=$("$PYTHON" -c 'import socket
pair = [socket.socket(), socket.socket()]
for s in pair: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in pair])')
    export MILLRACE_PORT_KAFKA="${ports% *}" MILLRACE_PORT_KAFKA_CONTROLLER="${ports#* }"
    configure "$scratch"
    (exec_java "-XX:ArchiveClassesAtExit=$(archive)" kafka.Kafka "$scratch/server.properties") >"$scratch/log" 2>&1 &
    broker=$!
    until ready || [ "$waited" -ge 600 ] || ! kill -0 "$broker" 2>/dev/null; do
        waited=$((waited + 1))
        sleep 0.1
    done
    kill "$broker" 2>/dev/null || true
    wait "$broker" || true
    # Only speed hangs on it: without the archive Java starts as usual.
    [ -s "$(archive)" ] || say "no class archive was made, Kafka will start slower: $(tail -n 1 "$scratch/log")"
    rm -rf "$scratch"
}

# configure DIRECTORY: writes server.properties there and formats the log directory when it is new.
configure() {
    local broker_port controller_port
    broker_port=$(port KAFKA)
    controller_port=$(port KAFKA_CONTROLLER)
    mkdir -p "$1"
    cat >"$1/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
# A voter list in the file, not in the log: so the ports may move between two runs.
controller.quorum.voters=1@127.0.0.1:$controller_port
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$broker_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$broker_port
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$1/logs
auto.create.topics.enable=false
# Records of 8 MB, and the framing of a batch around them.
message.max.bytes=10485760
replica.fetch.max.bytes=10485760
# One broker holds everything; few partitions of the internal topics keep start and recovery short.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# After a kill -9 the broker's old registration blocks the new one until this has passed (9 s by default).
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=8388608
PROPERTIES
    [ -e "$1/logs/meta.properties" ] || (
        exec_java "$(use_archive)" kafka.tools.StorageTool format -t "$(random_id)" -c "$1/server.properties"
    ) >/dev/null
}

# 16 random bytes as Kafka writes an id: base64 for URLs, no padding, no dash in front (the tool would see an option).
random_id() { head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 1-22 | sed 's/^-/A/'; }

run() {
    require_installed "$HOME_DIR"
    need_java
    configure "$MILLRACE_DATA"
    # Java itself from here on: TERM reaches it directly and stops it cleanly.
    exec_java "$(use_archive)" kafka.Kafka "$MILLRACE_DATA/server.properties"
}

# Asks for the supported versions (ApiVersions, version 0) with the correlation id `mill` and looks for it in the answer:
# that a port accepts would not tell Kafka from something else.
ready() {
    local answer
    { exec 3<>"/dev/tcp/127.0.0.1/$(port KAFKA)"; } 2>/dev/null || return 1
    printf '\0\0\0\012\0\022\0\0mill\377\377' >&3
    # Zero bytes are dropped by `read`; the answer is its length, the correlation id, and more.
    LC_ALL=C IFS= read -r -t 2 -d l answer <&3 2>/dev/null || return 1
    exec 3>&-
    case $answer in *mi) return 0 ;; *) return 1 ;; esac
}

if uses_docker; then
    docker_verb "${1:-}" kafka redpanda-console
    exit
fi
case ${1:-} in
    install) install_once "$HOME_DIR" install_kafka ;;
    run) run ;;
    ready) ready ;;
    *) die "usage: kafka.sh install|run|ready" ;;
esac
