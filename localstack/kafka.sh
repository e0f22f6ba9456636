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
# collector takes the least time and memory at this size. Both compilers work: with the first alone a broker that small
# batches go through takes half as much processor time again.
exec_java() {
    local archive_flag=$1
    shift
    exec "$JAVA" -Xms64m -Xmx512m -XX:+UseSerialGC -Xshare:auto ${archive_flag:+"$archive_flag"} \
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
# The pollers of a mapping join at once: without a moment's wait the first gets all partitions, and gives them up again.
group.initial.rebalance.delay.ms=100
# After a kill -9 the broker's old registration blocks the new one until this has passed (9 s by default).
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=8388608
PROPERTIES
    local users=()
    if [ -n "${MILLRACE_PORT_KAFKA_SASL:-}${MILLRACE_PORT_KAFKA_TLS:-}" ]; then
        add_logins "$1"
        users=(--add-scram "SCRAM-SHA-256=[name=$LOGIN_USER,password=$LOGIN_PASSWORD]"
            --add-scram "SCRAM-SHA-512=[name=$LOGIN_USER,password=$LOGIN_PASSWORD]")
    fi
    [ -e "$1/logs/meta.properties" ] || (
        exec_java "$(use_archive)" kafka.tools.StorageTool format -t "$(random_id)" -c "$1/server.properties" \
            ${users[@]+"${users[@]}"}
    ) >/dev/null
}

# Who may log in where logins are asked for, and the password of the client's key.
readonly LOGIN_USER=millrace LOGIN_PASSWORD=millrace-secret
# And the password of the user that Azure Event Hubs knows.
readonly CONNECTION_STRING="Endpoint=sb://localhost/;SharedAccessKeyName=millrace;SharedAccessKey=bWlsbHJhY2Utc2VjcmV0"

# add_logins DIRECTORY: two more listeners, for tests of logins. MILLRACE_PORT_KAFKA_SASL takes PLAIN and SCRAM within
# TLS, MILLRACE_PORT_KAFKA_TLS takes client certificates. Both must be set; users are known from the first start on.
add_logins() {
    local sasl tls jaas=org.apache.kafka.common.security
    sasl=$(port KAFKA_SASL)
    tls=$(port KAFKA_TLS)
    [ -e "$1/tls/server.pem" ] || certificates "$1/tls"
    # Of a property that stands twice the last one holds.
    cat >>"$1/server.properties" <<PROPERTIES
listeners=PLAINTEXT://127.0.0.1:$(port KAFKA),CONTROLLER://127.0.0.1:$(port KAFKA_CONTROLLER),SASL://127.0.0.1:$sasl,TLS://127.0.0.1:$tls
advertised.listeners=PLAINTEXT://127.0.0.1:$(port KAFKA),SASL://127.0.0.1:$sasl,TLS://127.0.0.1:$tls
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_SSL,TLS:SSL
inter.broker.listener.name=PLAINTEXT
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=$jaas.plain.PlainLoginModule required user_$LOGIN_USER="$LOGIN_PASSWORD" user_\$ConnectionString="$CONNECTION_STRING";
listener.name.sasl.scram-sha-256.sasl.jaas.config=$jaas.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=$jaas.scram.ScramLoginModule required;
listener.name.tls.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=$1/tls/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$1/tls/ca.crt
PROPERTIES
}

# certificates DIRECTORY: an authority of this broker's own (ca.crt), which signs the broker (server.pem) and a client
# (client.crt, client.key with LOGIN_PASSWORD).
certificates() {
    have openssl || die "openssl is needed for logins: install it (Debian: apt-get install openssl)"
    mkdir -p "$1"
    (
        cd "$1"
        openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=millrace-authority -keyout ca.key -out ca.crt
        signed server localhost subjectAltName=DNS:localhost,IP:127.0.0.1
        signed client millrace-client extendedKeyUsage=clientAuth
        openssl pkcs8 -topk8 -v2 aes-256-cbc -in client.plain -passout "pass:$LOGIN_PASSWORD" -out client.key
        { openssl pkcs8 -topk8 -nocrypt -in server.plain && cat server.crt ca.crt; } >server.new
        mv server.new server.pem
    ) >/dev/null 2>&1 || die "openssl could not make the certificates in $1"
}

# signed FILE COMMON_NAME EXTENSION: FILE.plain (key) and FILE.crt.
signed() {
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1.plain" -out "$1.csr"
    printf '%s\n' "$3" >"$1.ext"
    openssl x509 -req -days 3650 -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -extfile "$1.ext" -out "$1.crt"
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
