#!/bin/sh
# Checks when `make install` builds, in a copy of this checkout with a cargo that only notes how it was called.
set -eu
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R Makefile Cargo.toml Cargo.lock src shell completions man "$copy"
cd "$copy"
cat >cargo <<'CARGO'
#!/bin/sh
echo "$*" >>calls
directory=target
while [ $# -gt 0 ]; do
    [ "$1" != --target ] || directory=target/$2
    shift
done
mkdir -p "$directory/release"
echo "built by call $(wc -l <calls)" >"$directory/release/arl"
CARGO
chmod +x cargo
: >calls

fail() {
    echo "make install: $1" >&2
    cat said >&2
    exit 1
}
# $1: which cargo; the rest is for make.
install() {
    cargo=$1
    shift
    make install DESTDIR="$copy/root" PREFIX=/usr CARGO="$cargo" "$@" >said 2>&1
}
# How many times cargo was called by now, and that this is what is installed.
expect() {
    [ "$(wc -l <calls)" -eq "$1" ] || fail "$2: cargo was called $(wc -l <calls) times, not $1"
    grep -qx "built by call $1" root/usr/bin/arl || fail "$2: another program is installed"
}

! install no-cargo || fail 'without cargo and without a program it should fail'
grep -q 'as a user who has it' said || fail 'it does not say what to do'
install ./cargo || fail 'it should build'
expect 1 'the first time'
install ./cargo || fail 'it should install again'
expect 1 'when nothing has changed'
install no-cargo || fail 'it should need no cargo for a program that is there'
expect 1 'without cargo'
touch -d '+1 minute' src/main.rs
install no-cargo || fail 'it should need no cargo, though a source has changed'
expect 1 'without cargo, after a change'
grep -q 'older than its sources' said || fail 'it does not say that the program is old'
touch target/install/arl src/main.rs
touch -d '-1 minute' target/install/arl
install ./cargo || fail 'it should build again'
expect 2 'after a change'
install ./cargo TARGET= || fail 'it should build for a target that was asked for'
expect 3 'for another target'
! tail -n 1 calls | grep -q -- '--target ' || fail 'TARGET= should build for the own target of the compiler'

[ -f root/usr/share/man/man1/arl-exec.1 ] || fail 'there are no manual pages'
make uninstall DESTDIR="$copy/root" PREFIX=/usr >said 2>&1 || fail 'it should uninstall'
left=$(find root -type f)
[ -z "$left" ] || fail "uninstall leaves $left"
