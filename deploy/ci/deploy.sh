#!/bin/sh
# Brings a shop at AWS to a commit: images, once for a commit; tables, by a task whose end and log are seen here;
# services, edge last; and a look from outside. Tables stay as they are when something after them fails: the code
# that ran before works on them.
#
#   deploy/ci/deploy.sh SHOP [TAG]        TAG: the commit, unless told otherwise
#
# REGISTRY and CHECK_URL name another registry and address than AWS does (rehearsals).
. "$(dirname "$0")/lib.sh"
shop=$1
tag=${2:-$(git rev-parse --short=12 HEAD)}
began=$(date +%s)
watched

does "images of $tag" deploy/ci/images.sh "$shop" "$tag"
does "tables of $tag" bin/shop aws run "$shop" -tag "$tag" migrate
say "- tables of $tag: made"
does "services of $tag" bin/shop aws deploy "$shop" -tag "$tag"
say "- services: run $tag"
does "marking the images of $tag" deploy/ci/images.sh "$shop" "$tag" deployed
does "a look from outside" deploy/ci/check.sh "$shop"
say "- $shop runs $tag after $(($(date +%s) - began)) s; back: workflow rollback, 1"
