#!/usr/bin/env bash
# Installs what is missing: `setup.sh toolchain` checks what building needs, `setup.sh services` installs what `up`
# starts, `setup.sh tests` what the tests call besides, `setup.sh` the first two. Done already, it takes a blink.
MILLRACE_SERVICE=setup
. "$(dirname "$0")/lib.sh"

# The compiler that rust-toolchain.toml pins comes with rustup at the first build.
toolchain() {
    have cargo || PATH="$HOME/.cargo/bin:$PATH"
    if ! have cargo; then
        die "cargo: found none, needed rustup or Rust $(rust_version). Install rustup (no root needed) and try again:
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain none
    . \"\$HOME/.cargo/env\""
    fi
    local found
    found=$(cd "$MILLRACE_ROOT" && cargo --version 2>&1) || die "cargo does not run: $found"
    have rustup || newer_or_same "$(printf '%s' "$found" | awk '{print $2}')" "$(rust_version)" ||
        missing_tool cargo "$found" "$(rust_version) or newer" rustup rustup
    # librdkafka, OpenSSL and zstd are built from source.
    have cc && have c++ && have make && have perl && return 0
    apt_install build-essential perl pkg-config && return 0
    local tool
    for tool in cc c++ make perl; do
        have "$tool" || missing_tool "$tool" none "a C and C++ compiler, make and perl" "build-essential perl" "make perl (and: xcode-select --install)"
    done
}
rust_version() { sed -n 's/^channel = "\(.*\)"/\1/p' "$MILLRACE_ROOT/rust-toolchain.toml"; }
# newer_or_same VERSION MINIMUM, by the first two numbers.
newer_or_same() {
    awk -v a="$1" -v b="$2" 'BEGIN { split(a, x, "."); split(b, y, "."); exit !(x[1] > y[1] || (x[1] == y[1] && x[2] + 0 >= y[2] + 0)) }'
}

# system_tools: once, before several installations would ask for them at the same time.
system_tools() {
    uses_docker && return 0
    need_python
    # Debian's Maven brings a Java along; without either, the Java comes from PyPI.
    need_mvn
    need_java
}

# in_parallel SCRIPT...: the `install` of each; fails when one of them fails, after all have ended.
in_parallel() {
    local script pids="" pid failed=0
    for script in "$@"; do
        MILLRACE_SERVICE=$(basename "$script" .sh) \
            bash "$MILLRACE_ROOT/localstack/$script" install &
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid" || failed=1; done
    [ "$failed" = 0 ] || die "not everything could be installed; the reasons stand above"
}

# Every script that services.yaml names, each once.
service_scripts() { sed -n 's/^ *script: *\([a-z-]*\.sh\).*/\1/p' "$MILLRACE_ROOT/localstack/services.yaml" | sort -u; }

services() {
    system_tools
    # shellcheck disable=SC2046  # names without blanks
    in_parallel $(service_scripts)
}

case ${1:-all} in
    toolchain) toolchain ;;
    services) services ;;
    tests) need_python && need_java && need_mvn && in_parallel readers.sh tools.sh browser.sh iceberg-rest.sh ;;
    all)
        toolchain
        services
        ;;
    *) die "usage: setup.sh [toolchain|services|tests]" ;;
esac
