#!/bin/sh
# Makes a small Debian root image with debootstrap and pushes it to a registry.
#
#   scripts/debian-root-image.sh REGISTRY/NAME:TAG [PACKAGE...]
#
# Plain http where the registry is on this machine. Needs root, debootstrap, umoci and skopeo; prints the reference with its digest, as
# `[build] image` wants it. Debian's mirror is the machine's own; `SUITE` is the machine's release unless the variable says another.
set -eu
say() { printf '%s\n' "debian-root-image: $*" >&2; }
fail() { say "$*"; exit 1; }

[ $# -ge 1 ] || fail "usage: $0 REGISTRY/NAME:TAG [PACKAGE...]"
target=$1
shift
case $target in */*:*) ;; *) fail "\`$target\` is no REGISTRY/NAME:TAG" ;; esac
[ "$(id -u)" = 0 ] || fail "debootstrap needs root"
for program in debootstrap umoci skopeo; do command -v $program >/dev/null || fail "no \`$program\`: apt-get install $program"; done

suite=${SUITE:-$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")}
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk -v suite="$suite" '$2 == suite || $2 == "stable" { sub("/$", "", $1); print $1; exit }')
[ -n "$mirror" ] || fail "apt of this machine knows no source of $suite"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
include=ca-certificates
for package; do include=$include,$package; done

say "debootstrap $suite from $mirror"
debootstrap --variant=minbase --include="$include" "$suite" "$work/root" "$mirror" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "debootstrap failed"; }
rm -rf "$work/root/var/cache/apt/archives"/*.deb "$work/root/var/lib/apt/lists"/* "$work/root/var/log"/*
umoci init --layout "$work/image"
umoci new --image "$work/image:$suite"
umoci insert --image "$work/image:$suite" "$work/root" / >/dev/null
umoci config --image "$work/image:$suite" --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
plain=
case $target in 127.* | localhost[:/]*) plain=--dest-tls-verify=false ;; esac
skopeo copy -q $plain --digestfile "$work/digest" "oci:$work/image:$suite" "docker://$target"
printf '%s@%s\n' "$target" "$(cat "$work/digest")"
