#!/usr/bin/env bash
# Runs all tests, those of the program also with the one that $1 names. The last line is the total.
set -euo pipefail
cd "$(dirname "$0")/.."

results=$(mktemp)
trap 'rm -f "$results"' EXIT
status=0
run() { "$@" | tee -a "$results" || status=1; }

run cargo test --workspace --locked --no-fail-fast
if [ -n "${1-}" ]; then
    export ARL_TEST_BINARY=$1
    run cargo test --locked --test cli
else
    echo 'the static program is not tested: there is no compiler for it here' >&2
fi
awk '/^test result: / { passed += $4; failed += $6 } END { printf "%d passed, %d failed\n", passed, failed }' "$results"
exit "$status"
