#!/bin/sh
# Looks at a shop as a shopper does, for at most two minutes.
#
#   deploy/ci/check.sh SHOP
. "$(dirname "$0")/lib.sh"
url=${CHECK_URL:-https://$(output "$1" Host)}
end=$(($(date +%s) + 120))

# answers PATH TEXT: the page is there, and holds the text.
answers() { curl -fsS --max-time 10 "$url$1" 2>/dev/null | grep -qF "$2"; }

while ! { answers / '<html' && answers /order/products '"title"' && answers /user/logged-in '"logged_in"'; }; do
	[ "$(date +%s)" -lt "$end" ] || { say "- seen from outside: $url does not answer as a shop"; exit 1; }
	sleep 2
done
say "- seen from outside: $url answers"
