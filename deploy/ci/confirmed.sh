#!/bin/sh
# Compares the text that has to be typed for a rollback, before a deployment that runs is ended for it: roll back SHOP by N.
#
#   deploy/ci/confirmed.sh SHOP N TEXT
set -eu
case $2 in '' | *[!0-9]* | 0) echo "N is '$2': want how many deployments to go back, from 1" >&2; exit 1 ;; esac
[ "$3" = "roll back $1 by $2" ] || { echo "Nothing is rolled back: type roll back $1 by $2" >&2; exit 1; }
