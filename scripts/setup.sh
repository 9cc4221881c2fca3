#!/bin/sh
# Installs the Debian packages that Forge is built with and runs on. Idempotent; asks nothing; needs root or sudo.
set -eu

packages="pkg-config libgit2-dev libarchive-dev libsqlite3-dev libtomlplusplus-dev libzstd-dev zlib1g-dev crun runc uidmap e2fsprogs iproute2 nftables git curl zstd strace libfaketime hugo python3 python3-venv python3-pip python3-jsonschema php-cli"
# Servers that the tests run themselves, on ports of their own.
packages="$packages openssl nginx fcgiwrap openssh-server openssh-client docker-registry"
# What makes and checks the images they serve.
packages="$packages skopeo umoci busybox-static"
[ -x /usr/bin/node ] || packages="$packages nodejs"
[ -x /usr/bin/npm ] || packages="$packages npm"

say() { printf '%s\n' "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

[ -r /etc/debian_version ] || fail "this is not Debian: install by hand: $packages (libgit2 1.8 or newer)"
command -v swift >/dev/null || fail "no \`swift\` in PATH: install Swift 6.3 or newer first (https://www.swift.org/install/linux/)"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "root is needed to install packages, and there is no sudo"
    fi
}

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }
recent_libgit2() { pkg-config --atleast-version=1.8 libgit2 2>/dev/null; }

missing=
for package in $packages; do
    [ "$package" = libgit2-dev ] && recent_libgit2 && continue
    [ "$package" != libgit2-dev ] && installed "$package" && continue
    missing="$missing $package"
done
[ -n "$missing" ] || { say "all packages are there"; exit 0; }

# The machine's own Debian mirror and keyring, whichever of apt's two formats names them.
debian_source() {
    awk -v want="$1" '
        function flush() { if (uri != "" && suites ~ /(^| )(bookworm)( |$)/) { print want == "uri" ? uri : key; found = 1; exit } uri = ""; key = ""; suites = "" }
        /^[[:space:]]*#/ { next }
        /^[[:space:]]*$/ { flush(); next }
        tolower($1) == "uris:" { uri = $2 }
        tolower($1) == "suites:" { $1 = ""; suites = $0 }
        tolower($1) == "signed-by:" { key = $2 }
        END { if (!found) flush() }' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1
}
one_line_source() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^deb *\(\[[^]]*\]\)\{0,1\} *\([^ ]*\) *bookworm .*/\2/p' | head -n 1
}

if ! recent_libgit2 && [ "$(cut -d. -f1 /etc/debian_version)" = 12 ] && ! grep -rqs 'bookworm-backports' /etc/apt/sources.list /etc/apt/sources.list.d; then
    uri=$(debian_source uri)
    [ -n "$uri" ] || uri=$(one_line_source)
    [ -n "$uri" ] || fail "no Debian mirror found in /etc/apt: add bookworm-backports by hand"
    key=$(debian_source key)
    say "adding bookworm-backports, for libgit2 1.8"
    printf 'Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\nSigned-By: %s\n' "$uri" \
        "${key:-/usr/share/keyrings/debian-archive-keyring.gpg}" | as_root tee /etc/apt/sources.list.d/forge-backports.sources >/dev/null
fi

export DEBIAN_FRONTEND=noninteractive
# Nothing installed here is to start as a service of the machine: Debian's packages ask this file first.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
fi
say "installing:$missing"
as_root apt-get update -qq
others=$(printf '%s\n' $missing | grep -vx libgit2-dev || true)
[ -z "$others" ] || as_root apt-get install -y -qq --no-install-recommends $others >/dev/null
if ! recent_libgit2; then
    if [ "$(cut -d. -f1 /etc/debian_version)" = 12 ]; then as_root apt-get install -y -qq --no-install-recommends -t bookworm-backports libgit2-dev >/dev/null
    else as_root apt-get install -y -qq --no-install-recommends libgit2-dev >/dev/null; fi
fi
# Nor at the next boot.
for pair in nginx:nginx.service fcgiwrap:fcgiwrap.socket fcgiwrap:fcgiwrap.service openssh-server:ssh.service docker-registry:docker-registry.service; do
    case " $missing " in
        *" ${pair%%:*} "*) [ ! -d /run/systemd/system ] || as_root systemctl disable --quiet "${pair#*:}" 2>/dev/null || true ;;
    esac
done
recent_libgit2 || fail "libgit2 is $(pkg-config --modversion libgit2 2>/dev/null || echo missing), 1.8 or newer is needed: it comes from bookworm-backports"
say "done"
