#!/bin/sh
# Puts promtool into a folder, out of Debian's package prometheus; nothing is installed or started.
set -eu
into=$(cd "$1" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -q download prometheus > /dev/null || { echo "promtool: install it from https://prometheus.io/download/" >&2; exit 1; }
dpkg-deb -x ./*.deb .
cp usr/bin/promtool "$into/"
