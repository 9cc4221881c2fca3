#!/bin/sh
# Makes the base image that the buildah rows of builds.py need: Debian with Hugo, from Debian's packages only. Some minutes; needs root.
set -eu
export DEBIAN_FRONTEND=noninteractive
command -v debootstrap >/dev/null && command -v buildah >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap buildah >/dev/null
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=hugo bookworm "$root" >/dev/null
container=$(buildah --storage-driver "${STORAGE_DRIVER:-overlay}" from scratch)
buildah add -q "$container" "$root" / >/dev/null
buildah commit -q --rm "$container" localhost/forge-bench-hugo >/dev/null
echo "made localhost/forge-bench-hugo"
