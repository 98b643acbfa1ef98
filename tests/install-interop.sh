#!/bin/sh
# Installs the clients of `make interop` that `make test` does not need: from Debian, and from PyPI into .tools/.
set -eu
cd "$(dirname "$0")/.."

sh tests/install-tools.sh
missing=''
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need restic restic
need ruby ruby
[ -x /usr/bin/aws ] || missing="$missing awscli"
ruby -e 'require "aws-sdk-core"' 2>/dev/null || missing="$missing ruby-aws-sdk-core"
if [ -n "$missing" ]; then
    echo "installing$missing" >&2
    sudo=''
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # several words on purpose
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

want='pyarrow==26.0.1 obstore==0.12.1'
if [ "$(cat .tools/interop-packages 2>/dev/null)" != "$want" ]; then
    echo "installing $want into .tools/" >&2
    rm -rf .tools/interop
    python3 -m venv .tools/interop
    # shellcheck disable=SC2086
    .tools/interop/bin/pip install --quiet --disable-pip-version-check $want
    printf '%s' "$want" >.tools/interop-packages
fi
