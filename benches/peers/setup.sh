#!/usr/bin/env bash
# Installs what the peers need into $WORK: Java's jars by Maven, Python's packages by pip, from their own configuration.
# What is there already stays. Needs Java 17, Maven and Python 3.11.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=${WORK:-${TMPDIR:-/tmp}/millrace-peers}
mkdir -p "$WORK"

venv() { # name, packages
    [[ -x $WORK/$1/bin/python ]] || python3 -m venv "$WORK/$1"
    "$WORK/$1/bin/pip" install -q "${@:2}"
}
jars() {
    [[ -d $WORK/jars/$1 ]] || mvn -q -B -f "$here/$1/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$WORK/jars/$1"
}

venv venv confluent-kafka==2.16.1 pyarrow==26.0.1 "pyiceberg[sql-sqlite,pyarrow]==0.12.0"
jars connect
venv spark pyspark==4.0.0
jars spark
