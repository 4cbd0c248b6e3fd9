#!/bin/sh
# Makes the tables of one shop's database, without a deployment. A database that belongs to another shop refuses.
#
#   deploy/ci/migrate.sh SHOP
. "$(dirname "$0")/lib.sh"
shop=$1
watched
does "tables of $shop" bin/shop aws run "$shop" migrate
say "- tables of $shop are made"
