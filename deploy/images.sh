#!/bin/sh
# Builds every image of the shop for amd64 and arm64, without a container engine, with a bill of materials
# (SPDX) beside each. The same commit gives the same digests on every machine and in every folder.
#
#   deploy/images.sh                    into bin/images (OCI layouts), and into Docker where that runs
#   deploy/images.sh REPOSITORY TAG     to REPOSITORY/<name>:TAG as well
#
# IMAGES names the images to build, separated by blanks; without it all are built. PLATFORMS names the platforms,
# separated by commas; the digests depend on them.
#
# bin/images/list.txt lists the images: name, digest, and the megabytes that a machine like this one downloads.
set -eu
cd "$(dirname "$0")/.."
repository=${1-}
tag=${2-dev}
port=${IMAGES_PORT:-5127}
# Each image contains the address of its base, so the digests depend on the port.
here=127.0.0.1:$port/startupwebapp
services="edge user order events mailer webhook admin"

PATH=$PWD/bin:$PATH
work=$(mktemp -d)
registry=
trap 'kill $registry 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
quiet() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }

if crane catalog "127.0.0.1:$port" >/dev/null 2>&1; then
	echo "port $port is taken: set IMAGES_PORT to another" >&2
	exit 1
fi
mkdir "$work/registry"
crane registry serve --address "127.0.0.1:$port" --disk "$work/registry" >/dev/null 2>"$work/registry.log" &
registry=$!
tries=0
until crane catalog "127.0.0.1:$port" >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { cat "$work/registry.log" >&2; exit 1; }
	sleep 0.1
done

GOWORK=off go run -C tools/base . >"$work/base.tar"
for arch in amd64 arm64; do
	quiet crane append --oci-empty-base --new_layer "$work/base.tar" --new_tag "$here/base:$arch"
	quiet crane mutate --set-platform "linux/$arch" --user 65532:65532 --workdir /data --tag "$here/base:$arch" "$here/base:$arch"
	# Fargate mounts a declared volume with the owner that the image has there, otherwise as root, not writable for us.
	crane config "$here/base:$arch" >"$work/config"
	sed 's|"config":{|&"Volumes":{"/data":{},"/tmp":{}},|' "$work/config" | quiet crane edit config "$here/base:$arch"
done
quiet crane index append --manifest "$here/base:amd64" --manifest "$here/base:arm64" --tag "$here/base"

all="./allinone/cmd/shop ./standin/cmd/stripe-standin ./standin/cmd/mail-inbox"
for s in $services; do all="$all ./services/$s/cmd/$s"; done
packages=
for package in $all; do
	case " ${IMAGES-} " in
	"  " | *" ${package##*/} "*) packages="$packages $package" ;;
	esac
done
rm -rf bin/images
mkdir -p bin/images
export KO_DOCKER_REPO="$here" KO_DEFAULTBASEIMAGE="$here/base:latest" SOURCE_DATE_EPOCH=0
# shellcheck disable=SC2086 # the packages are separate words
quiet ko build --base-import-paths --platform "${PLATFORMS:-linux/amd64,linux/arm64}" --sbom spdx --sbom-dir bin/images --tags "$tag" $packages

# bytes IMAGE prints the size of an image's layers, from its manifest.
bytes() { crane manifest --platform "linux/$(go env GOARCH)" "$1" | tr -d ' \n' | sed 's/.*"layers"//' | tr ',}' '\n\n' | sed -n 's/.*"size":\([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n }'; }
for package in $packages; do
	name=${package##*/}
	image=$here/$name:$tag
	digest=$(crane digest "$image")
	size=$(bytes "$image")
	case " $services " in
	*" $name "*) [ "$size" -le 12000000 ] || { echo "$name has $size bytes: the image of a service may have 12,000,000" >&2; exit 1; } ;;
	esac
	echo "$name $digest $(awk "BEGIN { printf \"%.1f\", $size / 1000000 }")" >>bin/images/list.txt
	quiet crane pull --format oci "$image" "bin/images/$name"
	if [ -n "$repository" ]; then
		sbom=$(echo "$digest" | tr : -).sbom
		# The image comes last: where it exists, its bill of materials does, too.
		quiet crane copy "$here/$name:$sbom" "$repository/$name:$sbom"
		quiet crane copy "$image" "$repository/$name:$tag"
	fi
	if docker info >/dev/null 2>&1; then
		quiet crane pull --platform "linux/$(go env GOARCH)" "$image" "$work/$name.tar"
		quiet docker load --input "$work/$name.tar"
		quiet docker tag "$image" "startupwebapp/$name:$tag"
		rm "$work/$name.tar"
	fi
done
cat bin/images/list.txt
