#!/bin/sh
# All benchmarks, as tables on standard output. Needs root, as builds do.
set -eu
cd "$(dirname "$0")/.."
scripts/test-inputs.sh
for script in noop restore hash pack sandbox_start neighbours real_build detection; do python3 Benchmarks/$script.py; done
python3 Benchmarks/fetch.py --forge .build/release/forge
python3 Benchmarks/installs.py --forge .build/release/forge
python3 Benchmarks/proxy.py --forge .build/release/forge
python3 Benchmarks/swaps.py --forge .build/release/forge
python3 Benchmarks/rollbacks.py --forge .build/release/forge
exec python3 Benchmarks/builds.py --forge .build/release/forge "$@"
