#!/bin/sh
# Looks at migrations that are new since main: old code has to work on them, and shoppers go on buying meanwhile. One
# that main has may not be changed: where it ran, it does not run again.
#
#   deploy/ci/migrations.sh [BASE]
set -eu
cd "$(dirname "$0")/../.."
base=${1-}
for b in origin/main main; do
	if [ -z "$base" ] && git rev-parse --quiet --verify "$b" >/dev/null; then base=$b; fi
done
changed=$(git diff --name-only --no-renames --diff-filter=a "$base...HEAD" -- '*/migrations/*.sql')
# shellcheck disable=SC2086 # the files are separate words
[ -z "$changed" ] || { echo "$base has these migrations, add one instead of changing them:" $changed >&2; exit 1; }
files=$(git diff --name-only --diff-filter=A --no-renames "$base...HEAD" -- '*/migrations/*.sql')
[ -n "$files" ] || { echo "no new migrations since $base"; exit 0; }
# goose runs each in a transaction of its own, and the tables of a shop are small while it has few visitors: types
# and constraints that squawk wants otherwise are ours (docs/architecture.md).
# shellcheck disable=SC2086 # the files are separate words
bin/venv/bin/squawk --assume-in-transaction --pg-version 15.0 \
	--exclude prefer-bigint-over-int,prefer-text-field,prefer-robust-stmts,prefer-identity,require-timeout-settings,constraint-missing-not-valid,adding-foreign-key-constraint,require-concurrent-index-creation $files
