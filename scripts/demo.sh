#!/bin/sh
# Builds a project from fixtures/ in a sandbox, deploys it, and fetches the page through the gateway.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "demo: building needs root (the steps themselves never run as root), and there is no sudo" >&2; exit 1; }
    exec sudo "$0" "$@"
fi
forge=.build/release/forge
project=fixtures/projects/node-static
FORGE_HOME=$PWD/.build/demo
export FORGE_HOME

run() { printf '\n$ %s\n' "$*"; "$@"; }
field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" | head -n 1; }

mkdir -p "$FORGE_HOME"
$forge gateway --listen 127.0.0.1:0 2>"$FORGE_HOME/gateway.log" &
gateway=$!
trap 'kill "$gateway" 2>/dev/null; wait "$gateway" 2>/dev/null || true' EXIT INT TERM

run $forge build $project
artifact=$($forge build $project --json --progress quiet | field artifact)
attempt=0
until [ -s "$FORGE_HOME/gateway.json" ]; do
    attempt=$((attempt + 1))
    kill -0 "$gateway" 2>/dev/null && [ "$attempt" -lt 100 ] || { cat "$FORGE_HOME/gateway.log" >&2; exit 1; }
    sleep 0.1
done
run $forge deploy --artifact "$artifact" --project demo
url=$($forge releases --project demo --json | field url)
printf '\n$ curl %s\n' "$url"
page=$(curl -sSf "$url")
printf '%s\n' "$page" | head -n 12
printf '\nartifact  %s\nurl       %s\nanswered  %s bytes\n' "$artifact" "$url" "$(printf '%s' "$page" | wc -c)"
printf '\nThe gateway stops with this script. To see it in a browser: FORGE_HOME=%s %s gateway\n' "$FORGE_HOME" "$forge"
