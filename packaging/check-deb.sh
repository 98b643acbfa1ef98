#!/bin/sh
# Checks the package with lintian, and installs, uses and removes it in a fresh, minimal Debian. Needs root.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
package=target/dist/arl_$version-1_$(dpkg --print-architecture).deb

missing=''
for tool in lintian mmdebstrap; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
# shellcheck disable=SC2086 # several words on purpose
[ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null

echo "lintian $package"
lintian --fail-on error --allow-root "$package"

echo '# the licenses of the crates'
licenses=./usr/share/doc/arl/THIRD-PARTY-LICENSES.txt.gz
dpkg-deb --fsys-tarfile "$package" | tar -xO "$licenses" | gunzip | grep '^ring '

release=${DEBIAN_RELEASE:-bookworm}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
echo "mmdebstrap --variant=minbase $release"
mmdebstrap --quiet --variant=minbase --mode=root "$release" "$root"
inside() { chroot "$root" env -i AWS_EC2_METADATA_DISABLED=true PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
inside find / -xdev -path /proc -prune -o -type f -print | LC_ALL=C sort >"$root.before"
cp "$package" "$root/arl.deb"
echo '# dpkg --install'
inside dpkg --install /arl.deb
echo '# arl --version'
inside arl --version
# A minimal Debian may leave the manual pages out.
for file in /usr/bin/arl /usr/share/doc/arl/copyright /usr/share/bash-completion/completions/arl; do
    inside test -f "$file" || echo "not installed: $file (a minimal Debian excludes some)"
done
echo '# arl init bash, read by bash'
# shellcheck disable=SC2016 # the shell inside expands it
inside bash -c 'eval "$(arl init bash)" && type -t arl'
echo '# arl assume, without any credentials: it fails'
inside arl assume 123456789012/Deploy && exit 1
echo '# dpkg --purge'
inside dpkg --purge arl
rm "$root/arl.deb"
inside find / -xdev -path /proc -prune -o -type f -print | LC_ALL=C sort >"$root.after"
echo '# what is left of it:'
left=$(LC_ALL=C comm -13 "$root.before" "$root.after" | grep -v '^/var/l' || true)
rm -f "$root.before" "$root.after"
[ -z "$left" ] || { echo "$left" && exit 1; }
echo nothing
