#!/bin/sh
# Deploys what ran N deployments ago. The text has to be typed: roll back SHOP by N.
#
#   deploy/ci/rollback.sh SHOP N TEXT
. "$(dirname "$0")/lib.sh"
bin/shop aws history "$1"
bin/shop aws rollback "$1" -back "$2" -confirm "$3"
deploy/ci/check.sh "$1"
say "- $1 is rolled back by $2"
