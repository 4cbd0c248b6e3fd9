#!/bin/sh
# Writes .env from .env.example with random passwords. An existing .env stays as it is. With the argument
# admin it prints the settings of the back office, which an older .env lacks.
set -eu
cd "$(dirname "$0")/.."
umask 077
if [ -e .env ] && [ "${1-}" != admin ]; then
	echo ".env is there already; move it away first (its passwords are those of your database and broker)" >&2
	exit 1
fi

# The letter keeps the broker from reading a number, and digits and letters need no quotes anywhere.
random() { printf 'p%s' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"; }

key() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
identity=$(key) # edge signs the identity of a request with it, and the others check it
question=$(key) # mailer signs its requests to user and order with it

# admin signs the identity of a staff request with this Ed25519 key, and the services that own the pages
# check it with the public half. The last 32 bytes of either form are the seed and the public key (RFC 8410).
if ! pem=$(openssl genpkey -algorithm ED25519); then
	echo "openssl makes no Ed25519 keys: install OpenSSL 1.1.1 or later" >&2
	exit 1
fi
half() { printf '%s\n' "$pem" | openssl pkey "$@" -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n'; }

if [ "${1-}" = admin ]; then
	printf 'ADMIN_KEYS=own=%s,staff-seed=%s\nSTAFF_KEY=%s\n' "$(key)" "$(half)" "$(half -pubout)"
	printf 'ADMIN_DB_PASSWORD=%s\nADMIN_NATS_PASSWORD=%s\n' "$(random)" "$(random)"
	exit
fi

while IFS= read -r line; do
	case $line in
	SMTP_PASSWORD= | IMAP_PASSWORD=) echo "$line" ;; # somebody else's
	STRIPE_SECRET_KEY=) echo "${line}sk_test_$(random)" ;;
	STRIPE_WEBHOOK_SECRET=) echo "${line}whsec_$(random)" ;;
	MAILER_KEYS=) echo "${line}question=$question,own=$(key)" ;; # it is asked by nobody
	USER_KEYS= | ORDER_KEYS=) echo "${line}identity=$identity,question=$question,own=$(key)" ;;
	ADMIN_KEYS=) echo "${line}own=$(key),staff-seed=$(half)" ;;
	STAFF_KEY=) echo "$line$(half -pubout)" ;;
	*_KEYS=) echo "${line}identity=$identity,own=$(key)" ;;
	*_PASSWORD= | *_SECRET=) echo "$line$(random)" ;;
	*) echo "$line" ;;
	esac
done <.env.example >.env.new
mv .env.new .env
echo "wrote .env"
