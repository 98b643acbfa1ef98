#!/bin/sh
# Makes a Debian package of the program that `make build` has built: target/dist/arl_VERSION-1_ARCHITECTURE.deb.
#
# DEBFULLNAME and DEBEMAIL name the maintainer, as for Debian's own tools; otherwise the author of the last commit is the maintainer.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-$(git log -1 --format=%an)} <${DEBEMAIL:-$(git log -1 --format=%ae)}>"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
chmod 755 "$root"
make --no-print-directory install DESTDIR="$root" PREFIX=/usr >/dev/null
gzip -9n "$root"/usr/share/man/man1/*.1

doc=$root/usr/share/doc/arl
mkdir -p "$doc" "$root/usr/share/lintian/overrides" "$root/DEBIAN"
{
    cat <<COPYRIGHT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: arl
Comment: The program contains Rust crates, the Rust standard library and, if it is
 static, musl libc. Their licenses and copyright notices are in
 /usr/share/doc/arl/THIRD-PARTY-LICENSES.txt.gz.

Files: *
Copyright: the arl authors
License: Expat or Apache-2.0

License: Expat
COPYRIGHT
    # The text after the title, in the format of Debian: indented, with a period in empty lines.
    sed -e '1,2d' -e 's/^$/./' -e 's/^/ /' LICENSE-MIT
    cat <<COPYRIGHT

License: Apache-2.0
 On Debian systems, the text is in /usr/share/common-licenses/Apache-2.0.
COPYRIGHT
} >"$doc/copyright"
sh packaging/licenses.sh "$doc/THIRD-PARTY-LICENSES.txt" "$target"
gzip -9n "$doc/THIRD-PARTY-LICENSES.txt"
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
gzip -9nc >"$doc/changelog.Debian.gz" <<CHANGELOG
arl ($version-1) unstable; urgency=medium

  * See changelog.gz.

 -- $maintainer  $(date -Ru -d "@$SOURCE_DATE_EPOCH")
CHANGELOG
cat >"$root/usr/share/lintian/overrides/arl" <<OVERRIDES
# A static program (PIE): one package for every release of Debian, which starts faster than a dynamic one.
arl: shared-library-lacks-prerequisites [usr/bin/arl]
# The package is not for Debian's own archive.
arl: initial-upload-closes-no-bugs [usr/share/doc/arl/changelog.Debian.gz:1]
OVERRIDES

depends=''
if ! file -L target/install/arl | grep -q static; then
    depends="Depends: libc6 (>= $(ldd --version | sed -n '1s/.* //p'))"
fi
cat >"$root/DEBIAN/control" <<CONTROL
Package: arl
Version: $version-1
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f 1)
${depends:+$depends
}Recommends: ca-certificates
Suggests: golang-docker-credential-helpers
Section: admin
Priority: optional
Description: switch AWS roles in a shell, or run a command as a role
 arl assumes AWS IAM roles and hands the temporary credentials to a shell, a
 command, a file or a program. It reads the profiles of the AWS CLI, asks for
 MFA codes and sign-ins, caches sessions, and clears or renews them in the
 shell when they expire.
CONTROL
(cd "$root" && find usr -type f | LC_ALL=C sort | xargs md5sum >DEBIAN/md5sums)
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

mkdir -p target/dist
package=target/dist/arl_$version-1_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
sha256sum "$package"
