#!/bin/sh
# Installs what the tests need and this machine lacks, through apt where that is allowed, and fails
# with one line where it is not. Each argument is program:package; a program may be one of several,
# with commas between them.
set -eu

missing=
for pair in "$@"; do
	found=
	for program in $(echo "${pair%%:*}" | tr , ' '); do
		if command -v "$program" >/dev/null 2>&1; then found=yes; fi
	done
	[ -n "$found" ] || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	root='sudo -n'
else
	root=none
fi
if [ "$root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "the tests need$missing: install it (Debian: apt-get install$missing) and try again" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing$missing"
apt() {
	$root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1
}
# The lists of packages are fetched only when the present ones will not do.
# shellcheck disable=SC2086 # the packages are separate words
if ! apt install -y --no-install-recommends $missing && ! { apt update && apt install -y --no-install-recommends $missing; }; then
	tail -n 3 "$log" >&2
	echo "the tests need$missing, and apt-get could not install it (the lines above say why)" >&2
	exit 1
fi
