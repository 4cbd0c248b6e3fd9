#!/bin/bash
# Backs this machine up into the repository of /etc/pgbackrest.conf, as root: backup.service every night, install.sh at its end.
#
#   shop-backup [full|diff|files]   without an argument: full on Sundays, otherwise what changed
#
# PostgreSQL archives its WAL there every minute anyway. Only this backs up settings and pictures, encrypted with the same
# passphrase: an archive for each day of the week, and the name of the last complete one.
set -euo pipefail
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
put() { as_postgres pgbackrest --stanza=shops repo-put "files/$1"; }
day=$(date +%u)
type=${1-}
[ -n "$type" ] || { [ "$day" = 7 ] && type=full || type=diff; }
cd /
[ "$type" = files ] || as_postgres pgbackrest --stanza=shops --type="$type" backup
shopt -s nullglob
files=(etc/shop etc/caddy/shops var/lib/shops/*/shop.env var/lib/shops/*/data/media)
# tar exits with 1 if a file changed meanwhile, such as a picture that is being written.
{ tar -cz --exclude=backup-passphrase --exclude=restoring --exclude='.part-*' "${files[@]}" || [ $? = 1 ]; } | put "$day.tar.gz"
echo "$day" | put newest
