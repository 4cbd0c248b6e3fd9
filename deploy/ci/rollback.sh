#!/bin/sh
# Deploys what was whole N deployments ago (shop aws history). The text has to be typed: roll back SHOP by N.
#
#   deploy/ci/rollback.sh SHOP N TEXT
. "$(dirname "$0")/lib.sh"
shop=$1
watched
does "reading what was deployed" bin/shop aws history "$shop"
does "rolling back by $2" bin/shop aws rollback "$shop" -back "$2" -confirm "$3"
does "a look from outside" deploy/ci/check.sh "$shop"
say "- $shop is rolled back by $2"
