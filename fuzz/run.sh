#!/bin/sh
# Runs each target of src/fuzz/ (or those that are named), ARL_FUZZ_RUNS times (a million), and prints a table.
#
# libFuzzer needs the compiler's coverage counters, which the stable compiler has as options of LLVM. The C++ part of
# libfuzzer-sys needs a C++ compiler. New inputs go to fuzz/found/, and only those that find a bug stay there.
set -eu
cd "$(dirname "$0")"
runs=${ARL_FUZZ_RUNS:-1000000}
host=$(rustc -vV | sed -n 's/^host: //p')

coverage='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
for option in inline-8bit-counters pc-table trace-compares; do
    coverage="$coverage -Cllvm-args=-sanitizer-coverage-$option"
done
# With --target the options do not reach build scripts.
RUSTFLAGS="--cfg fuzzing -Ccodegen-units=4 $coverage" cargo build --release --locked --target "$host"
fuzz=target/$host/release/fuzz

targets=$*
[ -n "$targets" ] || targets=$(cd corpus && echo *)
printf '| target | executions | seconds | per second | code blocks reached | bugs |\n|---|---|---|---|---|---|\n'
status=0
for target in $targets; do
    mkdir -p "found/$target"
    work=$(mktemp -d)
    dictionary=''
    [ ! -f "dictionaries/$target" ] || dictionary="-dict=dictionaries/$target"
    start=$(date +%s)
    bugs=0
    ARL_FUZZ_TARGET=$target "$fuzz" -runs="$runs" -timeout=10 -rss_limit_mb=2048 -max_len=1024 -seed=1 \
        -print_final_stats=1 -artifact_prefix="found/$target/" ${dictionary:+"$dictionary"} "$work" "corpus/$target" \
        2>"found/$target.log" || bugs=1 status=1
    seconds=$(($(date +%s) - start))
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "found/$target.log")
    blocks=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "found/$target.log" | tail -n 1)
    echo "| $target | ${executed:-?} | $seconds | $((${executed:-0} / (seconds > 0 ? seconds : 1))) | ${blocks:-?} | $bugs |"
    rm -rf "$work"
done
exit "$status"
