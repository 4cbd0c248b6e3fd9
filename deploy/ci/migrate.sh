#!/bin/sh
# Makes the tables of one shop's database, without a deployment. A database that belongs to another shop refuses.
#
#   deploy/ci/migrate.sh SHOP
. "$(dirname "$0")/lib.sh"
bin/shop aws run "$1" migrate
say "- tables of $1 are made"
