# What the scripts beside this have in common; they read it with a dot.
set -eu
cd "$(dirname "$0")/../.."
export GOFLAGS=-buildvcs=false

# say tells the log, and the page of the run where there is one.
say() { echo "$*" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"; }

# A shop's name is typed by people: nothing else gets into a command.
case ${1-} in
"" | *[!a-z0-9]*) echo "\"${1-}\" is not a shop's name" >&2; exit 2 ;;
esac

[ -x bin/shop ] || CGO_ENABLED=0 go build -trimpath -o bin/shop ./allinone/cmd/shop

# output prints one of the things that AWS knows of the shop.
output() { bin/shop aws outputs "$1" | sed -n "s/^$2=//p"; }
