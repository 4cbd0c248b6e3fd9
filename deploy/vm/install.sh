#!/bin/sh
# Installs a shop on a machine with Debian 12 or later: PostgreSQL with a backup every minute, Caddy for TLS, automatic
# security updates, and the shop as a hardened service. cloud-init runs it (shop vm), or you do, as root:
#
#   SHOP=acme DOMAIN=acme.example ADMIN_DOMAIN=admin.acme.example deploy/vm/install.sh bin/shop
#
# It may be run again: for a new binary, for a second shop. Further settings:
#
#   BACKUP_BUCKET, BACKUP_ENDPOINT, BACKUP_REGION, BACKUP_KEY, BACKUP_KEY_SECRET   S3-compatible storage for backups
#   BACKUP_FOLDER   instead of them, a folder for backups, such as another machine's disk that is mounted here
#   BACKUP_PASSPHRASE   of existing backups: this new machine is restored from them, with all shops of the old one,
#                       which must be off. SHOP is the first that was installed there
#   ACME_CA   internal: certificates of this machine's own, for trying it out
set -eu
: "${SHOP:?the name of the shop}" "${DOMAIN:?where shoppers find it}" "${ADMIN_DOMAIN:?where the staff find it}"
binary=${1:?the program shop}
here=$(cd "$(dirname "$0")" && pwd)
systemd() { [ ! -d /run/systemd/system ] || systemctl "$@"; } # starts nothing in a chroot

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --no-install-recommends -y postgresql caddy pgbackrest unattended-upgrades ca-certificates openssl >/dev/null

# Security updates, and the restart that some need, at night.
cat >/etc/apt/apt.conf.d/52shop <<'EOF'
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-Time "04:40";
EOF

version=$(ls /etc/postgresql | sort -n | tail -n 1)
postgres() { # stop, restart
	if [ -d /run/systemd/system ]; then systemctl "$1" "postgresql@$version-main"; else pg_ctlcluster "$version" main "$1"; fi
}

# Backups. /etc/pgbackrest.conf of Debian's package has no section for shops.
install -d -m 0750 /etc/shop
backed_up() { grep -qs '^\[shops\]' /etc/pgbackrest.conf; }
first_backup=
if [ -n "${BACKUP_BUCKET-}${BACKUP_FOLDER-}" ]; then
	umask 077
	path=${BACKUP_FOLDER-}/$SHOP
	if backed_up; then # backups belong to the machine, so a second shop needs no settings
		path=$(sed -n 's/^repo1-path=//p' /etc/pgbackrest.conf)
	else
		first_backup=yes
	fi
	if [ -n "${BACKUP_PASSPHRASE-}" ] && [ ! -e /etc/shop/server.env ]; then
		echo "$BACKUP_PASSPHRASE" >/etc/shop/backup-passphrase
	fi
	[ -s /etc/shop/backup-passphrase ] || openssl rand -hex 32 >/etc/shop/backup-passphrase
	{
		echo "[global]"
		if [ -n "${BACKUP_FOLDER-}" ]; then
			echo repo1-type=posix
		else
			cat <<EOF
repo1-type=s3
repo1-s3-bucket=$BACKUP_BUCKET
repo1-s3-endpoint=${BACKUP_ENDPOINT:?}
repo1-s3-region=${BACKUP_REGION:?}
repo1-s3-key=${BACKUP_KEY:?}
repo1-s3-key-secret=${BACKUP_KEY_SECRET:?}
repo1-s3-uri-style=path
EOF
		fi
		cat <<EOF
repo1-path=$path
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=$(cat /etc/shop/backup-passphrase)
repo1-retention-full=4
start-fast=y
compress-type=zst
[shops]
pg1-path=/var/lib/postgresql/$version/main
EOF
	} >/etc/pgbackrest.conf
	chown postgres: /etc/pgbackrest.conf
	umask 022
	[ -z "${BACKUP_FOLDER-}" ] || install -d -m 0700 -o postgres -g postgres "$path"
fi

# Restore a lost machine: its database to the last minute, settings and pictures of the last night. The file restoring
# exists from the beginning of this to the end of the script, and is not empty once this part is done.
if [ -n "${BACKUP_PASSPHRASE-}" ] && { [ ! -e /etc/shop/server.env ] || [ -e /etc/shop/restoring ]; } && [ ! -s /etc/shop/restoring ]; then
	: "${path:?BACKUP_BUCKET or BACKUP_FOLDER says where the backups are}"
	get() { PGBACKREST_CIPHER_PASS=$BACKUP_PASSPHRASE su postgres -c "pgbackrest --stanza=shops repo-get files/$1"; }
	newest=$(get newest) || true # with a wrong passphrase it is garbage
	if [ -z "${BACKUP_FOLDER-}" ] && ! expr "$newest" : '[1-7]$' >/dev/null; then # the first machines had their backups there
		sed -i 's|^repo1-path=.*|repo1-path=/var/lib/pgbackrest|' /etc/pgbackrest.conf
		newest=$(get newest) || true
	fi
	expr "$newest" : '[1-7]$' >/dev/null || { echo "BACKUP_PASSPHRASE opens no backup at $path: is $SHOP the first shop of the old machine?" >&2; exit 1; }
	: >/etc/shop/restoring
	postgres stop || true
	su postgres -c 'pgbackrest --stanza=shops --delta restore'
	get "$newest.tar.gz" >/var/lib/postgresql/files.tar.gz
	tar -C / --no-same-owner -xzf /var/lib/postgresql/files.tar.gz
	rm /var/lib/postgresql/files.tar.gz
	echo done >/etc/shop/restoring
fi
restored=
[ ! -s /etc/shop/restoring ] || restored=yes

# PostgreSQL: small, and reachable only from this machine.
conf=/etc/postgresql/$version/main/conf.d/shop.conf
archive=off # backups go on once there are any, whatever the settings of a later run
! backed_up || archive=on
# An idle shop has 5 connections, 8 for moments, a busy one up to 28 on two cores, and not all are busy at once.
others=$(find /var/lib/shops -mindepth 2 -maxdepth 2 -name shop.env ! -path "/var/lib/shops/$SHOP/*" 2>/dev/null | wc -l)
connections=$((110 + 10 * others))
if [ -n "$restored" ]; then # a restored database needs as many as it had
	had=$("/usr/lib/postgresql/$version/bin/pg_controldata" "/var/lib/postgresql/$version/main" | sed -n 's/^max_connections setting: *//p')
	[ "$had" -le "$connections" ] || connections=$had
fi
cat >"$conf.new" <<EOF
listen_addresses = '127.0.0.1'
timezone = 'UTC'
shared_buffers = '128MB'
max_connections = $connections
log_error_verbosity = terse   # details would quote rows
archive_mode = $archive
archive_command = 'pgbackrest --stanza=shops archive-push %p'
archive_timeout = 60          # a lost disk loses at most a minute of orders
EOF
if [ -n "$restored" ] || ! cmp -s "$conf" "$conf.new" || ! pg_ctlcluster "$version" main status >/dev/null; then
	mv "$conf.new" "$conf"
	postgres restart
fi
rm -f "$conf.new"
while [ "$(su postgres -c 'psql -qAt -d postgres -c "SELECT pg_is_in_recovery()"')" = t ]; do sleep 1; done

# A login that may create roles and databases, for shop create; only root can read its password. A restored database has
# the old login.
if [ ! -s /etc/shop/server.env ]; then
	(umask 077 && printf "SHOPS_DIR='/var/lib/shops'\nSHOPS_DATABASE_URL='postgres://shops:%s@127.0.0.1:5432/postgres'\n" "$(openssl rand -hex 24)" >/etc/shop/server.env.new)
	mv /etc/shop/server.env.new /etc/shop/server.env
fi
password=$(sed -n "s|^SHOPS_DATABASE_URL='postgres://shops:\([0-9a-f]*\)@127.0.0.1:5432/postgres'$|\1|p" /etc/shop/server.env)
[ -z "$password" ] || printf "DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shops') THEN CREATE ROLE shops LOGIN CREATEROLE CREATEDB; END IF; END \$\$;\nALTER ROLE shops PASSWORD '%s';\n" "$password" |
	su postgres -c 'psql -qAt -v ON_ERROR_STOP=1 -d postgres'

# The shop.
install -d -m 0755 /var/lib/shops
own() { # each shop is a user of its own, so that none reads another's folder and processes
	[ -n "$(getent passwd "_$1")" ] || useradd --system --user-group --home-dir "/var/lib/shops/$1" --shell /usr/sbin/nologin "_$1"
	[ "$(getent passwd "_$1" | cut -d : -f 6)" = "/var/lib/shops/$1" ] || { echo "The machine has a user _$1 that is not a shop's: choose another name" >&2; exit 1; }
}
own "$SHOP"
install -m 0755 "$binary" /usr/local/bin/shop.new
if [ -e /usr/local/bin/shop ] && ! cmp -s /usr/local/bin/shop.new /usr/local/bin/shop; then
	cp -p /usr/local/bin/shop /usr/local/bin/shop.before # to go back: install.sh /usr/local/bin/shop.before
fi
mv /usr/local/bin/shop.new /usr/local/bin/shop
(set -a && . /etc/shop/server.env && shop create "$SHOP" -public-url "https://$DOMAIN" -admin-url "https://$ADMIN_DOMAIN")
all=$SHOP
if [ -n "$restored" ]; then # the other shops of the old machine, too
	all=$(cd /var/lib/shops && ls -d */ | tr -d /)
	for name in $all; do
		(set -a && . /etc/shop/server.env && shop create "$name") # sets the passwords of its settings
	done
fi
if [ ! -e "/etc/shop/$SHOP.env" ]; then
	cat >"/etc/shop/$SHOP.env" <<'EOF'
# Settings of this shop beside those that shop create wrote; the README lists all. systemctl restart shop@… takes them.
# STRIPE_SECRET_KEY=rk_live_…
# STRIPE_PUBLISHABLE_KEY=pk_live_…
# STRIPE_WEBHOOK_SECRET=whsec_…
# SMTP_HOST=
# SMTP_USERNAME=
# SMTP_PASSWORD=
# MAIL_FROM=
# Where pictures are kept if a second machine or a CDN reads them, too; otherwise in the shop's folder:
# MEDIA_URL=s3://key:secret@s3.eu-central-1.amazonaws.com/acme-media?region=eu-central-1
EOF
	chmod 0600 "/etc/shop/$SHOP.env"
fi
install -m 0644 "$here/shop@.service" /etc/systemd/system/

# Caddy terminates TLS. The shop trusts X-Forwarded-For only from Caddy. The file is the shop's: it is read, not run.
address() { sed -n "s/^$1='\(127\.0\.0\.1:[0-9]*\)'$/\1/p" "/var/lib/shops/$SHOP/shop.env"; }
EDGE_ADDR=$(address EDGE_ADDR) ADMIN_ADDR=$(address ADMIN_ADDR)
: "${EDGE_ADDR:?not in shop.env}" "${ADMIN_ADDR:?not in shop.env}"
install -d /etc/caddy/shops
tls=
[ -z "${ACME_CA-}" ] || tls="tls internal"
cat >"/etc/caddy/shops/$SHOP.caddy" <<EOF
$DOMAIN {
	$tls
	reverse_proxy $EDGE_ADDR
}
$ADMIN_DOMAIN {
	$tls
	reverse_proxy $ADMIN_ADDR
}
EOF
printf '{\n\tadmin off\n}\nimport shops/*.caddy\n' >/etc/caddy/Caddyfile # through the admin port any user of the machine could redirect shoppers
caddy validate --config /etc/caddy/Caddyfile --adapter caddyfile >/dev/null 2>&1 || { echo "Caddy does not take /etc/caddy/shops/$SHOP.caddy" >&2; exit 1; }

if backed_up; then
	install -m 0755 "$here/backup.sh" /usr/local/sbin/shop-backup
	install -m 0644 "$here/backup.service" "$here/backup.timer" /etc/systemd/system/
fi
systemd daemon-reload
for folder in /var/lib/shops/*/; do # one user owned all shops of older machines: the others move with this one
	name=$(basename "$folder") owner=$(stat -c %U "$folder")
	[ "$name" = "$SHOP" ] || [ "$owner" = shop ] || [ -n "$restored" ] || continue
	own "$name"
	[ "$owner" != shop ] || systemd stop "shop@$name"
	chown -R "_$name:" "$folder" # the folder itself last, so that a run that is interrupted here is repeated
	chmod 0700 "$folder"
	if [ "$name" != "$SHOP" ] && systemd is-enabled --quiet "shop@$name"; then systemd start "shop@$name"; fi
done
systemd enable caddy
sum=$(cat /etc/caddy/Caddyfile /etc/caddy/shops/*.caddy | sha256sum)
if [ "$sum" = "$(cat /etc/caddy/runs 2>/dev/null)" ]; then systemd start caddy; else systemd restart caddy; fi
echo "$sum" >/etc/caddy/runs # without its admin port Caddy needs a restart for changes, which interrupts the other shops
for name in $all; do
	systemd enable "shop@$name"
	systemd restart "shop@$name"
done
rm -f /etc/shop/restoring
if backed_up; then # last, so that slow or missing storage does not keep a shop closed
	su postgres -c 'pgbackrest --stanza=shops stanza-create && pgbackrest --stanza=shops check'
	systemd enable --now backup.timer
	if [ -n "$first_backup" ]; then /usr/local/sbin/shop-backup full; else /usr/local/sbin/shop-backup files; fi
	echo "Keep /etc/shop/backup-passphrase somewhere else, and how to reach the storage: a new machine comes back with both, and with nothing less."
fi
echo "The shop $SHOP is installed: https://$DOMAIN, back office https://$ADMIN_DOMAIN. Settings: /etc/shop/$SHOP.env"
