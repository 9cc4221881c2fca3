#!/bin/sh
# Builds projects from fixtures/ in a sandbox, deploys them, fetches a page and asks a server through the gateway, and rolls the server back.
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

server=$FORGE_HOME/server
rm -rf "$server"
cp -r fixtures/projects/node-server "$server"
run $forge deploy "$server" --project demo-api
api=$($forge releases --project demo-api --json | field url)
run curl -sSf "$api"
printf '\n\n$ echo "// changed" >> server.js\n'
echo '// changed' >>"$server/server.js"
run $forge deploy "$server" --project demo-api --progress quiet
run $forge rollback --project demo-api
run $forge releases --project demo-api
run curl -sSf "$api"
printf '\n\nThe gateway stops with this script. To see it in a browser: FORGE_HOME=%s %s gateway\n' "$FORGE_HOME" "$forge"
