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

registry=${REGISTRY:-$(output "$shop" Registry)}
programs=shop
[ "$(output "$shop" Layout)" = one ] || programs="shop edge user order events mailer webhook admin"
PATH=$PWD/bin:$PATH
case $registry in
*.amazonaws.com/*) aws ecr get-login-password | crane auth login --username AWS --password-stdin "${registry%%/*}" ;;
esac
if crane digest "$registry/shop:$tag" >/dev/null 2>&1; then
	say "- images of $tag: built before"
else
	IMAGES=$programs deploy/images.sh "$registry" "$tag"
	say "- images of $tag: built"
fi
say "- tables:"
bin/shop aws run "$shop" -tag "$tag" migrate
bin/shop aws deploy "$shop" -tag "$tag"
say "- services: run $tag"
deploy/ci/check.sh "$shop"
say "- $shop runs $tag after $(($(date +%s) - began)) s; back: workflow rollback, 1"
