#!/bin/sh
# Builds the sources of the last commit twice, in directories with different names, and compares the archives.
set -eu
cd "$(dirname "$0")/.."

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for directory in "$work/one" "$work/another-directory"; do
    mkdir "$directory"
    git archive HEAD | tar -x -C "$directory"
    make --no-print-directory -C "$directory" dist
done
cmp "$work"/one/target/dist/*.tar.gz "$work"/another-directory/target/dist/*.tar.gz
tar -tzf "$(echo "$work"/one/target/dist/*.tar.gz)" | grep '/THIRD-PARTY-LICENSES.txt$'
echo 'both archives are the same'
