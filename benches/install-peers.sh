#!/bin/sh
# Installs the tools that `make bench` compares arl with, from the Python package index, into .tools/ of this
# checkout.
set -eu
cd "$(dirname "$0")/.."

# Pinned, so that figures of two days can be compared.
want='aws-assume-role-lib==2.10.0 awscli==1.45.11 awsume==4.5.4'
if [ "$(cat .tools/peer-packages 2>/dev/null)" != "$want" ]; then
    echo "installing $want into .tools/" >&2
    mkdir -p .tools
    rm -rf .tools/peers
    python3 -m venv .tools/peers
    # shellcheck disable=SC2086 # several words on purpose
    .tools/peers/bin/pip install --quiet --disable-pip-version-check $want
    printf '%s' "$want" >.tools/peer-packages
fi
