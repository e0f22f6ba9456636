#!/usr/bin/env bash
# The REST catalog of Apache Iceberg's own tests, for ours: JDBC behind it on a file of SQLite, metadata on S3. It is no
# service of `millrace up`; `make test` starts it. Verbs: install; run, with MILLRACE_PORT_ICEBERG_REST and the address
# of S3 in AWS_ENDPOINT_URL; ready.
. "$(dirname "$0")/lib.sh"

# One number for this exact set: raise it with any pin in the pom.
readonly HOME_DIR="$MILLRACE_OPT/iceberg-rest-1.10.1-1"

install_iceberg_rest() {
    need_java
    need_mvn
    say "fetching the REST catalog of Iceberg's tests from Maven Central"
    mvn --batch-mode --quiet --file "$MILLRACE_ROOT/localstack/iceberg-rest/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$HOME_DIR/libs" 2>&1 | sed $'s/\033\\[[0-9;]*m//g' ||
        die "Maven could not fetch the REST catalog; its message stands above"
}

run() {
    require_installed "$HOME_DIR"
    need_java
    [ -n "${AWS_ENDPOINT_URL:-}" ] || die "AWS_ENDPOINT_URL is not set; the catalog keeps its metadata on S3"
    mkdir -p "$MILLRACE_DATA"
    # What begins with CATALOG_ is a property of the catalog behind it: `_` is a dot, `__` a hyphen. SQLite takes one
    # writer at a time, so one connection.
    export CATALOG_URI="jdbc:sqlite:$MILLRACE_DATA/catalog.db?busy_timeout=5000&journal_mode=WAL" CATALOG_CLIENTS=1 \
        CATALOG_WAREHOUSE=s3://millrace-lake/iceberg-rest CATALOG_IO__IMPL=org.apache.iceberg.aws.s3.S3FileIO \
        CATALOG_HTTP__CLIENT_TYPE=urlconnection CATALOG_S3_ENDPOINT="$AWS_ENDPOINT_URL" \
        CATALOG_S3_PATH__STYLE__ACCESS=true CATALOG_REST_PORT="$(port ICEBERG_REST)"
    # Java itself from here on: TERM reaches it directly.
    exec "$JAVA" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
        -cp "$HOME_DIR/libs/*" org.apache.iceberg.rest.RESTCatalogServer
}

ready() { [ "$(http_status GET "$(port ICEBERG_REST)" /v1/config)" = 200 ]; }

case ${1:-} in
    install) install_once "$HOME_DIR" install_iceberg_rest ;;
    run) run ;;
    ready) ready ;;
    *) die "usage: iceberg-rest.sh install|run|ready" ;;
esac
