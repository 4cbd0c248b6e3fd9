#!/bin/sh
# Pins what is fetched when images are built and workflows run, at what the registries say now:
# images of docker-compose.yml by digest, actions by commit. Needs docker and git.
# Versions stay as they are written; raise those by hand, then run this.
set -eu
cd "$(dirname "$0")/.."

images=$(sed -n 's/^ *image: *\([^ ]*\).*/\1/p' docker-compose.yml | grep -v '^startupwebapp/' | sort -u)
for image in $images; do
	name=${image%@*}
	digest=$(docker buildx imagetools inspect "$name" --format '{{.Manifest.Digest}}')
	sed -i "s|$name\(@sha256:[0-9a-f]*\)\{0,1\}\( \|$\)|$name@$digest\2|" docker-compose.yml
	echo "$name@$digest"
done

sed -n 's/.*uses: *\([^@ ]*\)@[^ ]* # \(v[0-9.]*\)$/\1 \2/p' .github/workflows/*.yml | sort -u | while read -r action version; do
	commit=$(git ls-remote "https://github.com/$action" "refs/tags/$version^{}" "refs/tags/$version" | sort -k2 -r | head -n 1 | cut -f 1)
	sed -i "s|$action@[^ ]* # .*|$action@$commit # $version|" .github/workflows/*.yml
	echo "$action@$commit # $version"
done
