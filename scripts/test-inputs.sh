#!/bin/sh
# Fetches the real inputs that the tests build, by name from Debian, into .build/inputs. Nothing is installed.
set -eu
cd "$(dirname "$0")/.."
inputs=.build/inputs
package=sqlite3-doc
[ -e "$inputs/$package/usr" ] && exit 0
mkdir -p "$inputs/download" "$inputs/$package.new"
chmod 777 "$inputs/download" 2>/dev/null || true
(cd "$inputs/download" && apt-get download -qq "$package")
dpkg-deb -x "$inputs/download/$package"_*.deb "$inputs/$package.new"
rm -rf "$inputs/download" "$inputs/$package"
mv "$inputs/$package.new" "$inputs/$package"
