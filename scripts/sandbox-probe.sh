#!/bin/bash
# sandbox-probe.sh PROBE [FORGE]: runs a probe of somebody else's as the build command of a static, a Node and a Python project, with
# canaries planted, and fails unless every line it prints is PASS. The probe is a shell script that reads `key=value` lines from the file
# it is given (id, tcp, abstract, unix, files, hide, host_machine_id, marker) and prints `PASS name`, `LEAK …` or `SKIP …`.
set -euo pipefail
probe=$(realpath "$1")
forge=$(realpath "${2:-.build/debug/forge}")
canaries=$(realpath "$(dirname "$0")/../fixtures/sandbox-probe/canaries.py")
work=$(mktemp -d)
chmod 755 "$work"
trap 'kill "$keeper" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/canaries"
/usr/bin/python3 "$canaries" "$work/canaries" > "$work/said" &
keeper=$!
for _ in $(seq 200); do [ ! -s "$work/said" ] || break; sleep 0.05; done
/usr/bin/python3 - "$work/canaries/world.json" > "$work/probe.conf" <<'PY'
import json, sys
world = json.load(open(sys.argv[1]))
for key, value in {"id": world["id"], "tcp": " ".join(world["tcp"]), "abstract": world["abstract"], "unix": world["unix"],
                   "files": " ".join(world["files"]), "hide": " ".join(world["hidden"]), "host_machine_id": world["machine"],
                   "marker": world["marker"], "hostname": "forge"}.items():
    print(f"{key}={value}")
PY
status=0
for kind in static node python; do
    project=$work/$kind
    mkdir "$project"
    cp "$probe" "$project"  # under its own name: it knows its own descriptors by it
    cp "$work/probe.conf" "$project"
    case $kind in
        static) echo hello > "$project/index.html" ;;
        node) echo '{"name": "probed", "version": "1.0.0", "scripts": {"start": "node server.js"}}' > "$project/package.json"; touch "$project/server.js" ;;
        python) echo 'print("hello")' > "$project/main.py" ;;
    esac
    printf '[build]\ncommand = "mkdir report; sh ./%s ./probe.conf > report/index.html || true"\noutput = "report"\n' "$(basename "$probe")" > "$project/crowdforge.toml"
    FORGE_HOME=$work/home "$forge" build "$project" --out "$work/out-$kind" --progress quiet > /dev/null
    report=$(find "$work/out-$kind" -name index.html | head -n 1)
    echo "$kind: $(grep -c ^PASS "$report") PASS, $(grep -c ^LEAK "$report" || true) LEAK, $(grep -c ^SKIP "$report" || true) SKIP"
    grep -E '^(LEAK|SKIP)' "$report" && status=1
    grep -q ^PASS "$report" || status=1
done
exit $status
