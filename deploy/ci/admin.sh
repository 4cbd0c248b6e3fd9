#!/bin/sh
# Runs one of a few commands beside a shop at AWS. What changes money or people is done in the back office, where
# it is on record who did it.
#
#   deploy/ci/admin.sh SHOP COMMAND
. "$(dirname "$0")/lib.sh"
case ${2-} in
"mailer parked" | "mailer suppressed" | "events summary" | "help") ;;
"aws status" | "aws history")
	bin/shop aws "${2#aws }" "$1"
	exit
	;;
*) echo "\"${2-}\" is not one of the commands: mailer parked, mailer suppressed, events summary, aws status, aws history, help" >&2; exit 2 ;;
esac
# shellcheck disable=SC2086 # the command is separate words
bin/shop aws run "$1" $2
