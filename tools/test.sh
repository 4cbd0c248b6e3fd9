#!/bin/sh
# Runs all tests, in two parts side by side. The first starts shops as programs and looks at them from outside, with
# clients and browsers: built as `make` builds the programs, it compiles next to nothing, and needs no detector of races,
# which would see the tests' own alone. The second is everything else, with that detector.
# What the first part says comes after the second. Arguments: flags of go test.
set -u

outside="./test/e2e ./test/browser"
inside="./services/edge/storefront ./services/edge ./services/order ./services/mailer
$(go list work | grep -vE '/test/(e2e|browser)$|/services/(edge|edge/storefront|order|mailer)$')"

said=$(mktemp)
trap 'rm -f "$said"' EXIT
CGO_ENABLED=0 go test -trimpath -vet off -p 2 "$@" $outside >"$said" 2>&1 &
go test -race -vet off -p 2 "$@" $inside
failed=$?
wait $! || failed=1
cat "$said"
exit $failed
