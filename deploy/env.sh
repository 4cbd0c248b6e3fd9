#!/bin/sh
# Writes .env from .env.example with random passwords. An existing .env stays as it is.
set -eu
cd "$(dirname "$0")/.."
umask 077
if [ -e .env ]; then
	echo ".env is there already; move it away first (its passwords are those of your database and broker)" >&2
	exit 1
fi

# The letter keeps the broker from reading a number, and digits and letters need no quotes anywhere.
random() { printf 'p%s' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"; }

key() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
identity=$(key) # edge signs with it who is asking, and the others check

while IFS= read -r line; do
	case $line in
	SMTP_PASSWORD=) echo "$line" ;; # somebody else's
	STRIPE_SECRET_KEY=) echo "${line}sk_test_$(random)" ;;
	STRIPE_WEBHOOK_SECRET=) echo "${line}whsec_$(random)" ;;
	MAILER_KEYS=) echo "${line}own=$(key)" ;; # it is asked by nobody
	*_KEYS=) echo "${line}identity=$identity,own=$(key)" ;;
	*_PASSWORD= | *_SECRET=) echo "$line$(random)" ;;
	*) echo "$line" ;;
	esac
done <.env.example >.env.new
mv .env.new .env
echo "wrote .env"
