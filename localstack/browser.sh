#!/usr/bin/env bash
# A browser for the tests of pages: Chromium of the system, and axe-core, which judges accessibility.
# Verbs: install; program, axe (print a path each, which `make test` exports); screenshot URL FILE [dark].
. "$(dirname "$0")/lib.sh"

# One number for this exact set: raise it with any pin.
readonly HOME_DIR="$MILLRACE_OPT/browser-1"

install_browser() {
    find_chromium || { apt_install chromium && find_chromium; } ||
        missing_tool chromium none "Chromium or Chrome 120 or newer" chromium "--cask chromium"
    # The wheel brings axe.min.js of axe-core 4.12.1; what it would call it with is left out.
    need_python
    "$PYTHON" -m venv "$HOME_DIR/venv"
    "$HOME_DIR/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
        'axe-playwright-python==0.1.8'
    cp "$HOME_DIR"/venv/lib/python3*/site-packages/axe_playwright_python/axe.min.js "$HOME_DIR/axe.min.js"
}
find_chromium() {
    local candidate
    for candidate in "${MILLRACE_CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        [ -n "$candidate" ] && have "$candidate" || continue
        CHROMIUM=$(command -v "$candidate")
        return 0
    done
    return 1
}

case ${1:-} in
    install) install_once "$HOME_DIR" install_browser ;;
    program) find_chromium && echo "$CHROMIUM" || die "no Chromium is installed; run \`bash localstack/setup.sh tests\`" ;;
    axe) require_installed "$HOME_DIR" && echo "$HOME_DIR/axe.min.js" ;;
    screenshot)
        find_chromium || die "no Chromium is installed; run \`bash localstack/setup.sh tests\`"
        need_python
        shift
        "$PYTHON" "$MILLRACE_ROOT/tests/browser/screenshot.py" "$CHROMIUM" "$@"
        ;;
    *) die "usage: browser.sh install|program|axe|screenshot URL FILE [dark]" ;;
esac
