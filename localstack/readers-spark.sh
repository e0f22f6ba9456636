#!/usr/bin/env bash
# readers-spark.sh: reads the table of a running stack with Spark and prints, as JSON, its rows, its distinct ids and its
# distinct positions in Kafka. Spark comes from PyPI, Iceberg's runtime and the PostgreSQL driver from Maven, 500 MB in all
# on the first call; so this is a script beside the tests of PyIceberg and DuckDB. The stack is that of MILLRACE_DIR
# (.millrace), or whichever `eval "$(millrace env)"` has named. `readers-spark.sh install` only installs.
MILLRACE_SERVICE=readers-spark
. "$(dirname "$0")/lib.sh"

# One number for this exact set: raise it with any pin.
readonly HOME_DIR="$MILLRACE_OPT/readers-spark-1"

install_spark() {
    need_java
    need_mvn
    venv_install "$HOME_DIR/venv" 'pyspark==4.0.0'
    say "fetching Iceberg's runtime from Maven Central"
    mvn --batch-mode --quiet --file "$MILLRACE_ROOT/localstack/spark/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$HOME_DIR/jars" >&2 || die "Maven could not fetch it; its message stands above"
}

read_table() {
    if [ -z "${DATABASE_URL:-}" ]; then
        local addresses
        addresses=$("$BIN_DIR/millrace" env --dir "$MILLRACE_DIR") || die "nothing runs in $MILLRACE_DIR; start it with \`make up\`"
        eval "$addresses"
    fi
    need_java
    JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v "$JAVA")")")")
    export JAVA_HOME SPARK_LOCAL_IP=127.0.0.1
    # Java's AWS client would take it for every service; the catalog below names S3's.
    exec "$HOME_DIR/venv/bin/python" "$MILLRACE_ROOT/localstack/spark/read.py" "$HOME_DIR/jars"
}

install_once "$HOME_DIR" install_spark
case ${1:-read} in
    install) ;;
    read) read_table ;;
    *) die "usage: readers-spark.sh [install|read]" ;;
esac
