#!/bin/sh
# Builds those images of a commit that a shop's registry lacks, for the layout that the shop has. With "deployed" it
# marks them as what ran: the registry keeps ten of those, however many others are pushed (templates/platform.yaml).
#
#   deploy/ci/images.sh SHOP TAG [deployed]
#
# REGISTRY names another registry than AWS does (rehearsals).
. "$(dirname "$0")/lib.sh"
shop=$1 tag=$2
layout=$(output "$shop" Layout)
registry=${REGISTRY:-$(output "$shop" Registry)}
programs=shop
[ "$layout" = one ] || programs="shop edge user order events mailer webhook admin"
PATH=$PWD/bin:$PATH
case $registry in
*.amazonaws.com/*) aws ecr get-login-password | crane auth login --username AWS --password-stdin "${registry%%/*}" ;;
esac

# has PROGRAM TAG: the registry has that image.
has() { crane digest "$registry/$1:$2" >/dev/null 2>&1; }

if [ "${3-}" = deployed ]; then
	for p in $programs; do has "$p" "deployed-$tag" || crane tag "$registry/$p:$tag" "deployed-$tag"; done
	exit
fi
missing=
for p in $programs; do has "$p" "$tag" || missing="$missing $p"; done
if [ -z "$missing" ]; then
	say "- images of $tag: built before"
else
	IMAGES=${missing# } deploy/images.sh "$registry" "$tag"
	say "- images of $tag: built$missing"
fi
