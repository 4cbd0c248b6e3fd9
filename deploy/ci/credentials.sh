#!/bin/sh
# Gives the steps after it the role AWS_ROLE_ARN, with the token by which GitHub says which repository and
# environment they belong to. No key is stored anywhere. Without AWS_ROLE_ARN, as in a rehearsal, nothing is done.
set -eu
[ -n "${AWS_ROLE_ARN-}" ] || exit 0
file=$RUNNER_TEMP/aws-token
umask 077
curl -fsS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" |
	sed -n 's/.*"value": *"\([^"]*\)".*/\1/p' >"$file"
[ -s "$file" ] || { echo "GitHub gave no token: the job needs the permission id-token: write" >&2; exit 1; }
{
	echo "AWS_ROLE_ARN=$AWS_ROLE_ARN"
	echo "AWS_WEB_IDENTITY_TOKEN_FILE=$file"
	echo "AWS_ROLE_SESSION_NAME=github-${GITHUB_RUN_ID-0}"
} >>"$GITHUB_ENV"
