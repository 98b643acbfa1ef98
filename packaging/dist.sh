#!/bin/sh
# Packs the program that `make build` has built, with manual, completions and licenses:
# target/dist/arl-VERSION-TARGET.tar.gz and its checksum. The same sources give the same bytes.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
name=arl-$version-$target

# macOS has bsdtar and shasum.
tar=tar
! command -v gtar >/dev/null || tar=gtar
checksum=sha256sum
command -v sha256sum >/dev/null || checksum='shasum -a 256'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/$name"
cp target/install/arl LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md "$work/$name"
cp -R man completions "$work/$name"
sh packaging/licenses.sh "$work/$name/THIRD-PARTY-LICENSES.txt" "$target"
chmod -R u=rwX,go=rX "$work/$name"
mkdir -p target/dist
"$tar" --create --directory "$work" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=ustar \
    "$name" | gzip -9n >"target/dist/$name.tar.gz"
cd target/dist
$checksum "$name.tar.gz" | tee "$name.tar.gz.sha256"
