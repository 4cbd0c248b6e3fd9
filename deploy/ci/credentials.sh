#!/bin/sh
# Gives the steps after it the role AWS_ROLE_ARN. GitHub says by a token which repository and environment they belong
# to; that token is good for five minutes, and a deployment takes longer. So AWS's tools are told whom to call when
# they want credentials, and each call has a new token. No key is stored anywhere. Without AWS_ROLE_ARN, as in a
# rehearsal, nothing is done.
#
#   deploy/ci/credentials.sh          as a step
#   deploy/ci/credentials.sh give     what AWS's tools call
set -eu
[ -n "${AWS_ROLE_ARN-}" ] || exit 0
if [ "${1-}" != give ]; then
	"$0" give >/dev/null # what is refused is refused here
	printf '[default]\ncredential_process = "%s/credentials.sh" give\n' "$(cd "$(dirname "$0")" && pwd)" >"$RUNNER_TEMP/aws-config"
	echo "AWS_CONFIG_FILE=$RUNNER_TEMP/aws-config" >>"$GITHUB_ENV"
	exit
fi

[ -n "${ACTIONS_ID_TOKEN_REQUEST_URL-}" ] || { echo "GitHub gives no token: the job needs the permission id-token: write" >&2; exit 1; }
token=$(curl -fsS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" |
	sed -n 's/.*"value": *"\([^"]*\)".*/\1/p')
[ -n "$token" ] || { echo "GitHub gave no token" >&2; exit 1; }
# field prints one of the answer's.
field() { printf '%s' "$answer" | tr -d '\n' | sed -n "s|.*<$1>\(.*\)</$1>.*|\1|p"; }
answer=$(printf '%s' "$token" | curl -sS --fail-with-body "${AWS_ENDPOINT_URL_STS:-https://sts.$AWS_REGION.amazonaws.com}/" \
	--data-urlencode "WebIdentityToken@-" --data-urlencode "RoleArn=$AWS_ROLE_ARN" --data "RoleSessionName=github-${GITHUB_RUN_ID-0}" \
	--data "Action=AssumeRoleWithWebIdentity&Version=2011-06-15") || {
	echo "AWS refuses the role $AWS_ROLE_ARN: $(field Message)" >&2
	exit 1
}
printf '{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "%s", "SessionToken": "%s", "Expiration": "%s"}\n' \
	"$(field AccessKeyId)" "$(field SecretAccessKey)" "$(field SessionToken)" "$(field Expiration)"
