#!/bin/sh
# Writes the licenses of all code in the program to FILE: packaging/licenses.sh FILE [TARGET]
#
# MIT, BSD, ISC and Apache-2.0 require that their texts accompany a binary. The crates are those of the normal
# dependency tree for the target, with procedural macros, which put code into the program too. Then come the
# standard library with its crates and, for musl, the C library. The same sources give the same bytes.
# Needs Python 3.
set -eu
file=$1
case $file in /*) ;; *) file=$PWD/$file ;; esac
cd "$(dirname "$0")/.."
target=${2:-$(rustc -vV | sed -n 's/^host: //p')}
cargo=${CARGO:-cargo}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$cargo tree --package aws-arl --target "$target" --edges normal --no-dedupe --prefix none --format '{p}' \
    --locked >"$work/tree"
$cargo metadata --filter-platform "$target" --format-version 1 --locked >"$work/metadata"
python3 - "$work" "$target" "$(rustc --print sysroot)" "$(rustc --version)" >"$work/licenses" <<'PYTHON'
import html
import json
import os
import re
import sys

work, target, sysroot, rustc = sys.argv[1:]
sys.stdout.reconfigure(encoding="utf-8", newline="\n")

# The published packages of these crates have no license file. Any other crate without one is an error.
WITHOUT_FILE = {"base64-simd", "linux-keyutils", "vsimd"}
IS_LICENSE = re.compile(r"(un)?licen[cs]e|copying|copyright|notice", re.IGNORECASE)
# Crates of the standard library that only other systems need, or only its build and its tests.
IS_ELSEWHERE = re.compile(r"cc|getopts|fortanix|hermit|moto|r-efi|rand|shlex|vex|wasi|windows|wit-bindgen")
IS_CODE = re.compile(r"\.(rs|c|h|py|sh|json|toml|ya?ml)$", re.IGNORECASE)

# COPYRIGHT in the sources of musl.
MUSL = """musl as a whole is licensed under the following standard MIT license:

Copyright © 2005-2020 Rich Felker, et al.

Permission is hereby granted, free of charge, to any person obtaining
a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including
without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to
permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be
included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT,
TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


class Component:
    def __init__(self, name, license, notes=(), texts=()):
        self.name, self.license, self.notes, self.texts = name, license, notes, texts


def tidy(text):
    """Returns the text without whitespace at the ends of lines, in which copies of one text differ."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return "\n".join(lines).strip("\n")


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def license_files(package):
    """Returns the texts in a crate with their paths, also those of code that was copied into its folders."""
    root = os.path.dirname(package["manifest_path"])
    paths = {package["license_file"]} if package["license_file"] else set()
    for folder, _, names in os.walk(root):
        found = (name for name in names if IS_LICENSE.match(name) and not IS_CODE.search(name))
        paths.update(os.path.relpath(os.path.join(folder, name), root) for name in found)
    return [(path, tidy(read(os.path.join(root, path)))) for path in sorted(paths)]


def crates():
    """Returns the crates of the dependency tree."""
    with open(os.path.join(work, "tree"), encoding="utf-8") as tree:
        linked = {tuple(line.split()[:2]) for line in tree if line.strip()}
    with open(os.path.join(work, "metadata"), encoding="utf-8") as metadata:
        packages = json.load(metadata)["packages"]
    packages = {(package["name"], "v" + package["version"]): package for package in packages}
    for key in sorted(linked):
        package = packages[key]
        # Its own license files are beside this one.
        if package["name"] == "aws-arl":
            continue
        texts, notes = license_files(package), []
        if not texts and package["name"] not in WITHOUT_FILE:
            sys.exit("licenses.sh: the crate {} {} has no license file".format(*key))
        if not texts:
            notes = ["The package has no license file. Its source: " + package["repository"]]
            notes += ["Author: " + author for author in package["authors"]]
        yield Component("{} {}".format(package["name"], package["version"]), package["license"], notes, texts)


def standard_library():
    """Returns the standard library and its crates, from a page that rustup installs with the compiler."""
    page = os.path.join(sysroot, "share/doc/rust/COPYRIGHT-library.html")
    version = rustc.split()[1]
    name = f"the Rust standard library {version}"
    if not os.path.exists(page):
        print(f"licenses.sh: {page} is missing, so the license texts of the standard library are left out", file=sys.stderr)
        notes = ["Its notices: https://github.com/rust-lang/rust/blob/" + version + "/COPYRIGHT"]
        return [Component(name, "MIT OR Apache-2.0", notes)]
    in_tree, out_of_tree = read(page).split('id="out-of-tree-dependencies"')
    notes = []
    fields = re.findall(r"<b>(File/Directory|License|Copyright):</b>(.*?)</p>", in_tree, re.DOTALL)
    for label, value in fields:
        value = html.unescape(re.sub(r"<[^>]*>", "", value)).strip()
        notes.append(f"{label}: {value}")
    folder = os.path.join(sysroot, "share/doc/rust/licenses")
    texts = [(f"{license}.txt", tidy(read(os.path.join(folder, f"{license}.txt"))))
             for license in ("Apache-2.0", "BSD-2-Clause", "MIT", "Unicode-3.0")]
    components = [Component(name, "Apache-2.0 OR MIT", notes, texts)]
    for part in out_of_tree.split("<h3>")[1:]:
        crate = html.unescape(part.split("</h3>")[0]).split()[-1]
        if IS_ELSEWHERE.match(crate):
            continue
        field = dict(re.findall(r"<b>(\w+):</b>(.*?)</p>", part))
        value = {label: html.unescape(re.sub(r"<[^>]*>", "", text)).strip() for label, text in field.items()}
        found = re.findall(r"<summary><code>(.*?)</code></summary>\s*?<pre>\n?(.*?)</pre>", part, re.DOTALL)
        texts = [(html.unescape(path), tidy(html.unescape(text))) for path, text in found]
        notes = ["Authors: " + value["Authors"]] if value.get("Authors") else []
        if not texts:
            notes.append("The package has no license file. Its source: " + value["URL"])
        components.append(Component(f"{crate} (standard library)", value["License"], notes, texts))
    return components


components = list(crates()) + standard_library()
if "musl" in target:
    components.append(Component("musl libc", "MIT", ["https://musl.libc.org"], [("COPYRIGHT", MUSL)]))

numbers, users = {}, {}
for component in components:
    for path, text in component.texts:
        numbers.setdefault(text, len(numbers) + 1)
        users.setdefault(text, []).append(f"{component.name}: {path}")

print(f"""The licenses of the code in arl for {target}, except that of arl itself.

First the components, each with its license and the numbers of the texts that came with it. Then the texts,
each once, with the files that contain it.
""")
for component in components:
    print(f"{component.name}\n    {component.license}")
    for note in component.notes:
        print(f"    {note}")
    if component.texts:
        print("    Texts: " + ", ".join(str(numbers[text]) for _, text in component.texts))
for text, number in numbers.items():
    print("\n" + "=" * 100 + f"\nText {number}\n")
    for user in users[text]:
        print(f"  {user}")
    print("-" * 100 + f"\n\n{text}")
PYTHON
cp "$work/licenses" "$file"
