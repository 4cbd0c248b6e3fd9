#!/bin/sh
# Rehearses delivery on this machine, with neither an account nor a container engine: the workflow files as they
# are, run by act, against an emulated AWS (deploy/aws/emulator.py), a registry, and databases of this machine.
#
#   make rehearse
#
# Deploys, deploys again, fails to deploy, rolls back by 1 and by 2, refuses a wrong confirmation, migrates each of
# three databases, refuses a command that is not on the list, destroys, makes the large layout, where a deployment
# fails half-way and one is canceled, takes it away, and counts what is left.
set -eu
cd "$(dirname "$0")/../.."
began=$(date +%s)
: "${TEST_DATABASE_URL:?run make rehearse}"
shops="startupwebapp healthtech fintech"
root=$PWD
PATH=$root/bin:$PATH
work=$(mktemp -d)
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

step() { echo "== $*"; }
fail() { echo "rehearsal: $*" >&2; exit 1; }
# free prints a free port.
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# waits COMMAND waits until it succeeds, for half a minute at most.
waits() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || fail "not in half a minute: $*"
		sleep 0.1
	done
}
# database NAME prints the address of a database on the tests' server.
database() { echo "$TEST_DATABASE_URL" | sed "s|\(.*://[^/]*/\)[^?]*|\1$1|"; }

step "an AWS, a registry, a shop to look at"
export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=000000000000 AWS_SECRET_ACCESS_KEY=rehearsal
AWS_ENDPOINT_URL=http://127.0.0.1:$(free)
REGISTRY=127.0.0.1:$(free)
SHOP_PORT=$(free)
IMAGES_PORT=$(free) # not the port of another build on this machine
export AWS_ENDPOINT_URL REGISTRY IMAGES_PORT CHECK_URL="http://127.0.0.1:$SHOP_PORT"
for name in $shops check; do psql --quiet "$TEST_DATABASE_URL" --command "CREATE DATABASE rehearsal_$name"; done
(cd "$work" && BIND_HOST=127.0.0.1 GATEWAY_PORT=${AWS_ENDPOINT_URL##*:} EMULATOR_PROGRAMS=$root/bin EMULATOR_FAULTS=$work/faults EMULATOR_DATABASE=$(database rehearsal_NAME) \
	exec "$root/bin/venv/bin/python" "$root/deploy/aws/emulator.py") >"$work/emulator.log" 2>&1 &
pids="$pids $!"
mkdir "$work/registry"
crane registry serve --address "$REGISTRY" --disk "$work/registry" >/dev/null 2>&1 &
pids="$pids $!"
DATABASE_URL=$(database rehearsal_check) SHOP_NAME=check EDGE_ADDR=127.0.0.1:$SHOP_PORT WEBHOOK_ADDR=127.0.0.1:$(free) DATA_DIR=$work/shop \
	bin/shop run >"$work/shop.log" 2>&1 &
pids="$pids $!"
waits curl -fsS "$AWS_ENDPOINT_URL/_ministack/health"
waits crane catalog "$REGISTRY"
waits curl -fsS "$CHECK_URL/order/products"

# AWS itself provides this parameter: the newest image of its Linux.
curl -fsS "$AWS_ENDPOINT_URL" -H "X-Amz-Target: AmazonSSM.PutParameter" -H "Content-Type: application/x-amz-json-1.1" \
	-H "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=x" \
	-d '{"Name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", "Value": "ami-0123456789abcdef0", "Type": "String"}' >/dev/null

# A copy of the last commit, to which commits can be added, and stubs for actions that are not needed here.
git clone --quiet --no-hardlinks "$root" "$work/copy"
mkdir "$work/copy/bin"
for tool in shop ko crane; do ln "bin/$tool" "$work/copy/bin/$tool" 2>/dev/null || cp "bin/$tool" "$work/copy/bin/$tool"; done
git init --quiet "$work/stub"
printf 'name: stub\nruns: {using: composite, steps: [{run: "true", shell: sh}]}\n' >"$work/stub/action.yml"
# workflow FILE EVENT ARGUMENTS... runs a workflow as GitHub would.
workflow() {
	file=$1 event=$2
	shift 2
	stubs=$(sed -n 's/.*uses: *\([^ ]*\).*/\1/p' "$root/.github/workflows/$file.yml" | sort -u | sed "s|.*|--local-repository &=$work/stub|")
	# shellcheck disable=SC2086 # the arguments are separate words
	(cd "$work/copy" && act "$event" --workflows ".github/workflows/$file.yml" --platform ubuntu-24.04=-self-hosted --use-gitignore=false $stubs \
		--env "AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL" --env AWS_ACCESS_KEY_ID=000000000000 --env AWS_SECRET_ACCESS_KEY=rehearsal \
		--env "PLATFORMS=linux/$(go env GOARCH)" --env "REGISTRY=$REGISTRY" --env "IMAGES_PORT=$IMAGES_PORT" --env "CHECK_URL=$CHECK_URL" --env "GOFLAGS=-buildvcs=false" --env "PATH=$PATH" --env "HOME=$HOME" \
		--var SHOP=startupwebapp --var AWS_REGION=us-east-1 "$@") >"$work/$file.log" 2>&1
}
# runs FILE EVENT ARGUMENTS... runs a workflow that must succeed, and prints its summary.
runs() { workflow "$@" || { tail -40 "$work/$1.log" >&2; fail "workflow $1"; }; sed -n 's/.*| \(- .*\)/\1/p' "$work/$1.log"; }
# fails FILE EVENT ARGUMENTS... runs a workflow that must fail, and prints its summary.
fails() { if workflow "$@"; then fail "workflow $1 did not fail"; fi; sed -n 's/.*| \(- .*\|      .*\)/\1/p' "$work/$1.log"; }
# refuses FILE EVENT ARGUMENTS... runs a workflow that must fail because of its arguments.
refuses() {
	if workflow "$@"; then fail "workflow $1 did not refuse $*"; fi
	why=$(sed -n 's/.*| \(.*cannot work.*\|.*is not one of.*\|Nothing is rolled back.*\)/\1/p' "$work/$1.log" | tail -1)
	[ -n "$why" ] || { tail -40 "$work/$1.log" >&2; fail "workflow $1 failed otherwise"; }
	echo "refused: ${why#"${why%%[! ]*}"}"
}
commit() { git -C "$work/copy" -c user.name=rehearsal -c user.email=rehearsal@example.invalid commit --quiet --allow-empty --message "$1"; }
tag() { git -C "$work/copy" rev-parse --short=12 HEAD; }
running() { bin/shop aws status startupwebapp | sed -n 's/^shop-startupwebapp-shop .*:\([0-9a-f]*\)$/\1/p'; }

step "three shops are made"
for shop in $shops; do
	STRIPE_SECRET_KEY=sk_live_rehearsal STRIPE_PUBLISHABLE_KEY=pk_live_rehearsal STRIPE_WEBHOOK_SECRET=whsec_rehearsal SMTP_HOST=mail.example \
		MAIL_FROM="Shop <shop@shop.example>" bin/shop aws create "$shop" -set Host=$shop.example -set AdminHost=admin.$shop.example \
		-set AlarmMail=staff@shop.example -set Protected=no -set Repository=owner/shops
done

step "deploy, and twice again"
runs deploy push
first=$(tag)
commit second && runs deploy push
second=$(tag)
# built makes an image of this commit exist, as after a deployment whose migration failed.
built() { crane tag "$REGISTRY/shop:$second" "$(tag)" 2>/dev/null; }
commit third && built && runs deploy push
third=$(tag)
[ "$(running)" = "$third" ] || fail "after three deployments $(running) runs"

step "a deployment that does not come up, and back"
commit fourth && built
echo "broken shop:$(tag)" >>"$work/faults"
fails deploy push | tee "$work/summary"
for told in "FAILED: services of $(tag)" "shop:$(tag) did not come up" "runs now: shop:$third" "rollback by 1 deploys: .*$third"; do
	grep -q "$told" "$work/summary" || fail "the page of a failed deployment does not say: $told"
done
[ "$(bin/shop aws history startupwebapp | grep -c 'not whole')" = 1 ] || fail "the history does not tell of the deployment that failed"
refuses rollback workflow_dispatch --input shop=startupwebapp --input back=1 --input confirm="yes"
runs rollback workflow_dispatch --input shop=startupwebapp --input back=1 --input confirm="roll back startupwebapp by 1"
[ "$(running)" = "$third" ] || fail "after the rollback by 1 $(running) runs"

for ran in $first $second $third; do
	crane digest "$REGISTRY/shop:deployed-$ran" >/dev/null || fail "the image of $ran is not marked as deployed"
done
crane digest "$REGISTRY/shop:deployed-$(tag)" >/dev/null 2>&1 && fail "an image that did not come up is marked as deployed"

step "roll back further, by 2"
runs rollback workflow_dispatch --input shop=startupwebapp --input back=2 --input confirm="roll back startupwebapp by 2"
[ "$(running)" = "$first" ] || fail "after the rollback by 2 $(running) runs"

step "migrate three databases"
for shop in $shops; do
	[ "$shop" = startupwebapp ] || bin/shop aws deploy "$shop" -tag "$first" >/dev/null
	runs migrate workflow_dispatch --input shop=$shop
	tables=$(psql --tuples-only --no-align "$(database rehearsal_$shop)" --command "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'order'")
	[ "$tables" -gt 20 ] || fail "$shop has $tables tables of order"
done

step "commands"
runs admin workflow_dispatch --input shop=startupwebapp --input command="mailer parked"
refuses admin workflow_dispatch --input shop=startupwebapp --input command="customer erase -member 1"

step "what a change would do"
bin/shop aws plan startupwebapp -set DatabaseClass=db.t4g.small | tail -3

step "one setting changes, the others stay"
fields() { curl -fsS "$AWS_ENDPOINT_URL" -H "X-Amz-Target: secretsmanager.GetSecretValue" -H "Content-Type: application/x-amz-json-1.1" \
	-H "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=x" \
	-d '{"SecretId": "shop/startupwebapp/shop"}' | python3 -c 'import json, sys; s = json.loads(json.load(sys.stdin)["SecretString"]); s.pop("SMTP_HOST"); print(sorted(s.items()))'; }
before=$(fields)
echo mail2.example | bin/shop aws set startupwebapp shop SMTP_HOST >/dev/null
[ "$before" = "$(fields)" ] || fail "setting one field changed others"
STRIPE_SECRET_KEY=sk_live_of_another bin/shop aws create startupwebapp | grep "STRIPE_SECRET_KEY stays" || fail "create does not say that it leaves another key alone"
[ "$before" = "$(fields)" ] || fail "create took another shop's key from the environment"
! echo x | bin/shop aws set startupwebapp order STRIPE_SECRET_KEY 2>/dev/null || fail "a setting was set that no task reads"

step "destroy, the large layout, destroy"
resources() { bin/shop aws resources "$1" | tail -1; }
made=$(resources startupwebapp)
for shop in $shops; do bin/shop aws destroy $shop -confirm $shop >/dev/null; done
large() { STRIPE_SECRET_KEY=sk_live_rehearsal STRIPE_PUBLISHABLE_KEY=pk_live_rehearsal STRIPE_WEBHOOK_SECRET=whsec_rehearsal SMTP_HOST=mail.example \
	MAIL_FROM="Shop <shop@shop.example>" bin/shop aws create large_shop -layout seven -bastion -tag "$first" -set Servers=3 -set Nat=yes -set Protected=no \
	-set Host=large.example -set AdminHost=admin.large.example -set AlarmMail=staff@shop.example -set Repository=owner/shops >/dev/null; }
start=$(date +%s)
large
echo "large: $(resources large_shop), $(bin/shop aws status large_shop | tail -1), made in $(($(date +%s) - start)) s"
for program in shop edge user events mailer webhook admin; do crane copy "$REGISTRY/shop:$first" "$REGISTRY/$program:half" 2>/dev/null; done
(cd "$work/copy" && PLATFORMS=linux/$(go env GOARCH) deploy/ci/images.sh large_shop half) | grep '^- images'
crane digest "$REGISTRY/order:half" >/dev/null || fail "of images that were pushed in part the rest was not built"
bin/shop aws deploy large_shop -tag "$second" >/dev/null
echo "broken order:$third" >>"$work/faults"
if bin/shop aws deploy large_shop -tag "$third" >"$work/large.log" 2>&1; then fail "a service that does not come up was deployed"; fi
grep -o "order:.*" "$work/large.log" | tail -1
bin/shop aws history large_shop
for back in "$second" "$first"; do
	bin/shop aws rollback large_shop -back 1 -confirm "roll back large_shop by 1" | grep "goes back"
	[ "$(bin/shop aws status large_shop | grep -c ":$back$")" = 7 ] || fail "not all services went back: $(bin/shop aws status large_shop)"
done
# Canceled while AWS changes the third of seven services: the rollback waits for it.
echo "slow user:$second" >>"$work/faults"
bin/shop aws deploy large_shop -tag "$second" >/dev/null 2>&1 &
deploying=$!
changing() { bin/shop aws status large_shop | grep -q 'user .*UPDATE_IN_PROGRESS'; }
waits changing
kill $deploying
wait $deploying && fail "a deployment that was canceled succeeded"
bin/shop aws rollback large_shop -back 1 -confirm "roll back large_shop by 1" | grep "goes back"
[ "$(bin/shop aws status large_shop | grep -c ":$first$")" = 7 ] || fail "not all services went back: $(bin/shop aws status large_shop)"
# object METHOD PATH sends a request to the object store.
object() { curl -fsS -X "$1" "$AWS_ENDPOINT_URL/$2" -H "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"; }
for picture in a b a; do object PUT "shop-large-shop-media-000000000000/$picture.jpg" >/dev/null; done
start=$(date +%s)
bin/shop aws destroy large_shop -confirm large_shop | grep pictures || fail "pictures were not deleted"
echo "large: $(resources large_shop) left after $(($(date +%s) - start)) s"
large
echo "large: $(resources large_shop), made again"
bin/shop aws destroy large_shop -confirm large_shop >/dev/null

step "what is left"
# ask SERVICE TARGET lists everything that a service of AWS has.
ask() { curl -fsS "$AWS_ENDPOINT_URL" -H "X-Amz-Target: $2" -H "Content-Type: application/x-amz-json-1.1" -d '{}' \
	-H "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/$1/aws4_request, SignedHeaders=host, Signature=x"; }
query() { curl -fsS "$AWS_ENDPOINT_URL" -d "Action=$2&Version=$3" \
	-H "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/$1/aws4_request, SignedHeaders=host, Signature=x"; }
left=$({
	ask secretsmanager secretsmanager.ListSecrets
	ask ssm AmazonSSM.DescribeParameters
	ask ecs AmazonEC2ContainerServiceV20141113.ListClusters
	ask logs Logs_20140328.DescribeLogGroups
	ask ecr AmazonEC2ContainerRegistry_V20150921.DescribeRepositories
	query rds DescribeDBInstances 2014-10-31
	query iam ListRoles 2010-05-08
	query elasticloadbalancing DescribeLoadBalancers 2015-12-01
	query monitoring DescribeAlarms 2010-08-01
	query sns ListTopics 2010-03-31
	object GET ""
} | grep -oE 'shop[-/](startupwebapp|healthtech|fintech|large)[-/a-z]*' | sort -u)
[ -z "$left" ] || fail "left behind: $left"
echo "nothing; a shop had $made; $(($(date +%s) - began)) s"
