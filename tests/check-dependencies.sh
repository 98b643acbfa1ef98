#!/bin/sh
# Checks licenses, sources and banned crates (deny.toml), and known vulnerabilities where a copy of their list is here.
# The archive of a release needs the license texts of all crates, so a crate without one fails here already.
set -eu
cd "$(dirname "$0")/.."

sh packaging/licenses.sh /dev/null
if ! cargo deny --version >/dev/null 2>&1; then
    echo 'no cargo-deny here: dependencies are not checked (cargo install cargo-deny --locked)' >&2
    exit 0
fi
cargo deny --locked check --hide-inclusion-graph bans licenses sources
if [ -n "$(find "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs" -name crates -type d 2>/dev/null)" ]; then
    cargo deny --locked --offline check --hide-inclusion-graph advisories
else
    echo 'no list of known vulnerabilities here: they are not checked (cargo deny fetch db)' >&2
fi
