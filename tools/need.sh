#!/bin/sh
# Installs what the tests need and this machine lacks, through apt where that is allowed, and fails
# with one line where it is not. Each argument is program:package; a program may be one of several,
# with commas between them. A package with a question mark makes the tests quicker: where it cannot be had, they go
# on without.
set -eu

missing=
wanted=
for pair in "$@"; do
	found=
	for program in $(echo "${pair%%:*}" | tr , ' '); do
		if command -v "$program" >/dev/null 2>&1; then found=yes; fi
	done
	case "$found:$pair" in
	yes:*) ;;
	*\?) wanted="$wanted $(echo "${pair#*:}" | tr -d '?')" ;;
	*) missing="$missing ${pair#*:}" ;;
	esac
done
[ -n "$missing$wanted" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	root='sudo -n'
else
	root=none
fi
if [ "$root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
	[ -n "$missing" ] || exit 0
	echo "the tests need$missing: install it (Debian: apt-get install$missing) and try again" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	$root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1
}
install() {
	apt install -y --no-install-recommends "$@" || { apt update && apt install -y --no-install-recommends "$@"; }
}
# The lists of packages are fetched only when the present ones will not do.
# shellcheck disable=SC2086 # the packages are separate words
if [ -n "$missing" ]; then
	echo "installing$missing"
	if ! install $missing; then
		tail -n 3 "$log" >&2
		echo "the tests need$missing, and apt-get could not install it (the lines above say why)" >&2
		exit 1
	fi
fi
# Where no list knows a package, none is fetched for it, unless there are no lists yet.
for package in $wanted; do
	ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt update || true
	apt-cache show "$package" >/dev/null 2>&1 || continue
	echo "installing $package"
	install "$package" || echo "$package could not be installed; the tests take longer without it" >&2
done
