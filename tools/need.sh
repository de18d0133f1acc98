#!/bin/sh
# Says in one sentence which tool is missing and how to get it. `tools/need.sh node` or `tools/need.sh browser`.
set -eu

need_node() {
  how="see https://nodejs.org, or install your distribution's nodejs and npm packages."
  command -v node >/dev/null || { echo "Node.js 20.19 or newer is needed for the viewer and was not found: $how" >&2; exit 1; }
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) || (a == 20 && b >= 19) ? 0 : 1)' ||
    { echo "Node.js 20.19 or 22.12 or newer is needed for the viewer; this is $(node -v): $how" >&2; exit 1; }
  command -v npm >/dev/null || { echo "npm is needed for the viewer and was not found; it comes with Node.js: $how" >&2; exit 1; }
}

any_browser() {
  [ -z "${IMMICHVR_REQUIRE_BROWSER:-}" ] || return 0
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return
  done
  [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
}

# Tests that drive a browser skip themselves without one; this only says how to get it.
hint_browser() {
  any_browser && return
  echo "No Chromium or Chrome was found: the browser tests will be skipped. To run them: apt install chromium (Debian, Ubuntu), brew install --cask google-chrome (macOS)."
}

case "${1:-}" in
  node) need_node ;;
  browser) hint_browser ;;
  *) echo "usage: tools/need.sh node|browser" >&2; exit 2 ;;
esac
