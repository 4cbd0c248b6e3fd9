#!/bin/bash
# Tries shop vm and install.sh on a new Debian in a folder (make vm): cloud-init does what the user data say, install.sh
# runs once more, the shop opens behind Caddy's TLS, someone buys; the units are checked, it says how much memory all
# takes, and all of the machine but its backups is lost and comes back. Needs root and debootstrap, and no machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=${VM_ROOT:-$(mktemp -d)/root}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" = 0 ] || { echo "make vm wants to be root: it makes a Debian in a folder" >&2; exit 1; }
command -v debootstrap >/dev/null || apt-get -qq install -y debootstrap >/dev/null
[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" >/dev/null

inside() { unshare --uts chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
end() { # PID of a shell in the background, whose child is the command that inside runs
	for shell in "$@"; do
		for child in $(pgrep -P "$shell"); do
			kill "$child" 2>/dev/null || true
			while [ -e "/proc/$child" ] && [ "$(awk '/^State/ {print $2}' "/proc/$child/status" 2>/dev/null)" != Z ]; do sleep 0.1; done
		done
	done
}
stop() {
	end ${shop-} ${caddy-}
	[ -z "${downloads-}" ] || kill "$downloads" 2>/dev/null || true
	wait 2>/dev/null || true
	inside sh -c 'pg_ctlcluster $(ls /etc/postgresql | tail -n 1) main stop -m fast' >/dev/null 2>&1 || true
	umount "$root/dev" "$root/proc" 2>/dev/null || true
}
trap stop EXIT
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf"
[ ! -d /etc/apt/apt.conf.d ] || cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # packages start nothing
chmod +x "$root/usr/sbin/policy-rc.d"
get() { inside DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "$@" >/dev/null 2>&1; }
get systemd cloud-init

# The user data, as a provider passes them to a new machine, but without a network to set up, and with certificates of
# the machine's own. The program comes from this machine.
bin/shop vm acme -domain acme.localhost -admin-domain admin.acme.localhost -binary "https://127.0.0.1:18090/shop" \
	-sum "$(sha256sum bin/shop | cut -d ' ' -f 1)" |
	sed 's|https://127.0.0.1:18090|http://127.0.0.1:18090|; s|^      SHOP=acme$|&\n      ACME_CA=internal\n      BACKUP_FOLDER=/srv/backups|' >"$root/tmp/user-data"
inside cloud-init schema --config-file /tmp/user-data
cat >"$root/etc/cloud/cloud.cfg" <<'EOF'
datasource_list: [NoCloud]
network: {config: disabled}
preserve_hostname: true
cloud_init_modules: [write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [package-update-upgrade-install, scripts-user]
system_info: {distro: debian}
EOF
seed=$root/var/lib/cloud/seed/nocloud
mkdir -p "$seed"
cp "$root/tmp/user-data" "$seed/user-data"
echo "instance-id: rehearsal-$$" >"$seed/meta-data"
python3 -m http.server --bind 127.0.0.1 --directory bin 18090 >/dev/null 2>&1 &
downloads=$!

began=$(date +%s)
for stage in "init --local" init "modules --mode config" "modules --mode final"; do
	# shellcheck disable=SC2086 # the arguments are separate words
	inside cloud-init $stage >>"$root/tmp/install.log" 2>&1 || { tail -n 20 "$root/tmp/install.log"; exit 1; }
done
grep -q 'The shop acme is installed' "$root/tmp/install.log" "$root/var/log/cloud-init-output.log" 2>/dev/null || { tail -n 20 "$root/tmp/install.log"; exit 1; }
kill "$downloads" && downloads=
# An older machine, where one user owned all shops: installing the next shop moves this one, too.
inside useradd --system --home-dir /var/lib/shops --shell /usr/sbin/nologin shop 2>/dev/null || true
inside chown -R shop: /var/lib/shops/acme
inside SHOP=bolt DOMAIN=bolt.localhost ADMIN_DOMAIN=admin.bolt.localhost ACME_CA=internal /opt/shop/install.sh /opt/shop/shop >"$root/tmp/install.log" 2>&1 || { tail -n 20 "$root/tmp/install.log"; exit 1; }
for name in acme bolt; do
	[ "$(inside find "/var/lib/shops/$name" ! -user "_$name" -o -path "/var/lib/shops/$name" ! -perm 700)" = "" ] || { echo "not all of $name is its own"; exit 1; }
done
as() { inside setpriv --reuid "_$1" --regid "_$1" --clear-groups "${@:2}"; }
as bolt cat /var/lib/shops/bolt/shop.env >/dev/null
for secret in /var/lib/shops/acme/shop.env /etc/shop/server.env /etc/shop/acme.env /opt/shop/env; do
	inside test -s "$secret"
	! as bolt cat "$secret" 2>/dev/null || { echo "bolt can read $secret"; exit 1; }
done
# A user that exists for another purpose is not made a shop's.
! inside SHOP=apt DOMAIN=apt.localhost ADMIN_DOMAIN=admin.apt.localhost /opt/shop/install.sh /opt/shop/shop >"$root/tmp/refused.log" 2>&1
grep -q "a user _apt that is not a shop's" "$root/tmp/refused.log"
echo "two shops, and neither reads the other's secrets"
# An update by hand, on a machine where everything exists already, and the way back.
{ cat bin/shop; echo; } >"$root/opt/shop/newer"
for program in /opt/shop/newer /usr/local/bin/shop.before; do
	inside SHOP=acme DOMAIN=acme.localhost ADMIN_DOMAIN=admin.acme.localhost ACME_CA=internal /opt/shop/install.sh "$program" >"$root/tmp/install.log" 2>&1 || { tail -n 20 "$root/tmp/install.log"; exit 1; }
done
cmp bin/shop "$root/usr/local/bin/shop"
cmp "$root/opt/shop/newer" "$root/usr/local/bin/shop.before"
echo "installed by cloud-init, a new version, and back, in $(($(date +%s) - began)) s"

said=$(inside systemd-analyze verify /etc/systemd/system/shop@acme.service /etc/systemd/system/backup.service /etc/systemd/system/backup.timer 2>&1) || true
[ -z "$said" ] || { echo "$said"; exit 1; }
walls() { # walls UNIT EXPOSURE checks the exposure that systemd computes, in tenths; 100 is no isolation at all
	inside systemd-analyze security --offline=true --threshold="$2" "/etc/systemd/system/$1" >"$root/tmp/walls" || { cat "$root/tmp/walls"; exit 1; }
	tail -n 1 "$root/tmp/walls"
}
walls shop@.service 15
walls backup.service 30

# As in the unit, but for development: without Stripe's keys the shop brings a stand-in and a mail inbox.
open_shop() {
	inside setpriv --reuid _acme --regid _acme --clear-groups \
		env SHOP_NAME=acme SHOPS_DIR=/var/lib/shops TRUSTED_PROXIES=loopback shop run >"$root/tmp/shop.out" 2>"$root/tmp/shop.err" &
	shop=$!
	inside sh -c 'sed "s/admin off/&\n\thttp_port 18080\n\thttps_port 18443/" /etc/caddy/Caddyfile > /tmp/Caddyfile; rm -rf /tmp/shops; cp -r /etc/caddy/shops /tmp/; exec caddy run --config /tmp/Caddyfile --adapter caddyfile' >"$root/tmp/caddy.log" 2>&1 &
	caddy=$!
	for _ in $(seq 120); do ask -o /dev/null https://acme.localhost:18443/ 2>/dev/null && break; sleep 0.5; done
}
ask() { curl --silent --show-error --fail --insecure --resolve acme.localhost:18443:127.0.0.1 --resolve admin.acme.localhost:18443:127.0.0.1 "$@"; }
open_shop
ask https://acme.localhost:18443/ | grep -q 'SKU\|Shop\|shop' || { echo "the shop does not answer"; tail "$root/tmp/shop.err" "$root/tmp/caddy.log"; exit 1; }
ask https://admin.acme.localhost:18443/sign-in | grep -q 'Sign in' || { echo "the back office does not answer"; exit 1; }
ask https://acme.localhost:18443/order/products | grep -q products_data
! curl --silent --output /dev/null http://127.0.0.1:2019/config/ || { echo "Caddy lets every user of the machine change it"; exit 1; }
echo "shop and back office answer behind TLS"

# Pss counts shared memory once. Some processes end meanwhile.
pss() { for p in "$@"; do cat "/proc/$p/smaps_rollup" 2>/dev/null || true; done | awk '/^Pss:/ {n += $2} END {print int(n / 1024)}'; }

# Twenty orders in a minute, as the storefront's pages make them.
buy() {
	local jar=$1 session
	rm -f "$jar"
	post() { ask -b "$jar" -c "$jar" -H "Origin: https://acme.localhost" -H "Referer: https://acme.localhost/" -H "X-CSRFToken: $(awk '$6 == "csrftoken" {print $7}' "$jar")" "$@"; }
	ask -c "$jar" -o /dev/null https://acme.localhost:18443/user/token
	post -o /dev/null -d sku_id=6 -d quantity=2 https://acme.localhost:18443/order/cart-add-product-sku
	post -o /dev/null -d shipping_method_identifier=USPSRetailGround https://acme.localhost:18443/order/cart-update-shipping-method
	post -o /dev/null -d anonymous_email_address="$2" https://acme.localhost:18443/order/anonymous-email-address-payment-lookup
	session=$(post -d agree_to_terms_of_sale=true -d anonymous_email_address="$2" https://acme.localhost:18443/order/create-checkout-session | sed -n 's/.*"session_id": *"\([^"]*\)".*/\1/p')
	curl --silent --show-error --fail -o /dev/null -H 'Content-Type: application/json' -d '{}' "http://127.0.0.1:8104/_/sessions/$session/pay"
	post "https://acme.localhost:18443/order/checkout-session-success?session_id=$session" | grep -q order_identifier
}
for n in $(seq 20); do buy "$root/tmp/jar" "buyer$n@mail.example.com"; sleep 2; done
count() { inside su postgres -c "psql -qAt -d acme -c 'SELECT count(*) FROM \"order\".orders'"; }
orders=$(count)
echo "20 purchases, $orders orders"
[ "$orders" -ge 20 ]
echo "memory in MiB while selling: shop $(pss $(pgrep -f '^shop run')), PostgreSQL $(pss $(pgrep -u "$(stat -c %u "$root/var/lib/postgresql")" postgres)), Caddy $(pss $(pgrep -f '^caddy run'))"
sleep 20 # until the memory that starting took is returned
echo "memory in MiB at rest: shop $(pss $(pgrep -f '^shop run')), PostgreSQL $(pss $(pgrep -u "$(stat -c %u "$root/var/lib/postgresql")" postgres)), Caddy $(pss $(pgrep -f '^caddy run'))"

# A picture, a nightly backup, and an order after it, which only the WAL has. Then everything is lost except the backups
# and the operator's notes about them, and a new machine is restored from these.
picture=/var/lib/shops/acme/data/media/0a/0a000000000000000000000000000000-400.jpg
inside install -D -o _acme -g _acme /dev/stdin "$picture" <<<"a picture"
inside /usr/local/sbin/shop-backup >"$root/tmp/backup.log" 2>&1 || { tail -n 20 "$root/tmp/backup.log"; exit 1; }
buy "$root/tmp/jar" late@mail.example.com
orders=$(count)
inside su postgres -c 'pgbackrest --stanza=shops check' >/dev/null # waits until the current WAL is archived
settings=$(inside cat /var/lib/shops/acme/shop.env /var/lib/shops/bolt/shop.env /etc/shop/server.env | sha256sum)
passphrase=$(inside cat /etc/shop/backup-passphrase)
end "$shop" "$caddy"
shop= caddy=
lose() { # deletes everything but the backups; /etc/pgbackrest.conf becomes that of Debian's package
	inside sh -c 'version=$(ls /etc/postgresql); pg_dropcluster --stop "$version" main; pg_createcluster "$version" main >/dev/null
	for user in _acme _bolt shop; do userdel "$user" 2>/dev/null; done
	rm -rf /etc/shop /etc/caddy/shops /etc/caddy/runs /var/lib/shops /var/spool/pgbackrest/* /usr/local/bin/shop* /usr/local/sbin/shop-backup
	printf "[global]\nrepo1-path=/var/lib/pgbackrest\n\n#[main]\n#pg1-path=/var/lib/postgresql/main\n" >/etc/pgbackrest.conf'
}
lose
# A machine without backups runs a shop, too, and PostgreSQL archives no WAL there.
inside SHOP=acme DOMAIN=acme.localhost ADMIN_DOMAIN=admin.acme.localhost ACME_CA=internal /opt/shop/install.sh /opt/shop/shop \
	>"$root/tmp/install.log" 2>&1 || { tail -n 20 "$root/tmp/install.log"; exit 1; }
[ "$(inside su postgres -c 'psql -qAt -d postgres -c "SHOW archive_mode"')" = off ] || { echo "WAL piles up without backups"; exit 1; }
lose
install_again() {
	inside SHOP=acme DOMAIN=acme.localhost ADMIN_DOMAIN=admin.acme.localhost ACME_CA=internal BACKUP_FOLDER=/srv/backups \
		BACKUP_PASSPHRASE="$1" /opt/shop/install.sh /opt/shop/shop >"$root/tmp/install.log" 2>&1
}
began=$(date +%s)
! install_again "not$passphrase" || { echo "another passphrase opened the backups"; exit 1; }
grep -q 'BACKUP_PASSPHRASE opens no backup' "$root/tmp/install.log" || { tail -n 20 "$root/tmp/install.log"; exit 1; }
install_again "$passphrase" || { tail -n 20 "$root/tmp/install.log"; exit 1; }
[ "$(inside cat /var/lib/shops/acme/shop.env /var/lib/shops/bolt/shop.env /etc/shop/server.env | sha256sum)" = "$settings" ] || { echo "the settings are not what they were"; exit 1; }
[ "$(as acme cat "$picture")" = "a picture" ] || { echo "the picture is lost"; exit 1; }
[ "$(count)" = "$orders" ] || { echo "$(count) orders of $orders"; exit 1; }
[ "$(inside sh -c 'set -a; . /etc/shop/server.env; shop list' | grep -c '^acme\|^bolt')" = 2 ]
grep -q bolt.localhost "$root/etc/caddy/shops/bolt.caddy"
open_shop
buy "$root/tmp/jar" back@mail.example.com
[ "$(count)" = $((orders + 1)) ] || { echo "the machine that came back does not sell"; exit 1; }
inside /usr/local/sbin/shop-backup >"$root/tmp/backup.log" 2>&1 || { tail -n 20 "$root/tmp/backup.log"; exit 1; }
echo "lost, and back with $orders orders after $(($(date +%s) - began)) s, selling"
echo "the machine is a shop"
