# Functions that the scripts beside this share; they source it.
set -eu
cd "$(dirname "$0")/../.."
export GOFLAGS=-buildvcs=false

# say prints to the log, and to the summary page of the run if there is one.
say() { printf '%s\n' "$*" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"; }

# People type the shop's name, so it is checked before it becomes part of a command.
case ${1-} in
"" | *[!a-z0-9_]*) echo "\"${1-}\" is not a shop's name" >&2; exit 2 ;;
esac

[ -x bin/shop ] || CGO_ENABLED=0 go build -trimpath -o bin/shop ./allinone/cmd/shop

# output SHOP NAME prints one output of the shop's stacks.
output() {
	known=$(bin/shop aws outputs "$1") || exit 1
	echo "$known" | sed -n "s/^$2=//p"
}

# watched makes a script that fails or is canceled from here on say where and why, and what runs then.
watched() {
	doing=beginning work=$(mktemp -d)
	trap finish EXIT
	trap 'exit 130' INT TERM
}

# does WHAT COMMAND... runs a command and keeps what it prints.
does() {
	doing=$1
	shift
	echo 1 >"$work/code"
	{ "$@" 2>&1 && echo 0 >"$work/code" || echo $? >"$work/code"; } | tee "$work/said"
	return "$(cat "$work/code")"
}

finish() {
	code=$?
	trap - EXIT
	if [ $code -ne 0 ]; then
		say "- FAILED: $doing"
		[ ! -s "$work/said" ] || say "$(tail -n 4 "$work/said" | sed 's/^/      /')"
		say "- $shop runs now: $(bin/shop aws status "$shop" | sed -n 's|.*/\([a-z]*:[^ ]*\)$|\1|p' | tr '\n' ' ')"
		say "- rollback by 1 deploys: $(bin/shop aws history "$shop" | sed -n 's/^ *1  //p')"
	fi
	rm -rf "$work"
	exit $code
}
