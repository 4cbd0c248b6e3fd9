package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// essentialSQL is the least that has to be written for a purchase. Each piece is a transaction of
// its own because a shopper, Stripe or a mail server acts in between: the cart with a line; the
// quote with a reservation; the id of Stripe's session; Stripe's event; the order with line,
// status, paid quote and emptied cart; the mail. :i is the purchase, <i> its text.
const essentialSQL = `\set n :n + 1
\set i :first + :client_id + :clients * :n
WITH c AS (INSERT INTO cart (anonymous_id) VALUES ('essential' || <i>) RETURNING id)
INSERT INTO cart_line (cart_id, sku_id, quantity) SELECT id, 6, 2 FROM c;
WITH q AS (INSERT INTO checkout (id, cart_id, cart_generation, quote_hash, state, email, agreed_at,
    quote, item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, expires_at, owner)
  SELECT 'essential' || <i>, id, 1, md5(<i>), 'creating', 'essential' || <i> || '@mail.example.com', now(),
    <quote>, 796, 0, 956, 0, 1752, now() + interval '33 minutes', E'visitor\x3aessential' || <i>
  FROM cart WHERE anonymous_id = 'essential' || <i> RETURNING id)
INSERT INTO reservation (checkout_id, sku_id, quantity) SELECT id, 6, 2 FROM q;
UPDATE checkout SET session_id = 'cs_essential' || <i>,
  url = 'https://checkout.example.com/c/pay/cs_essential' || <i>, state = 'open'
  WHERE id = 'essential' || <i>;
INSERT INTO webhook.event (id, type, api_version, created, payload)
  VALUES ('evt_essential' || <i>, 'checkout.session.completed', '2023-10-16', now(), <event>);
WITH q AS (UPDATE checkout SET state = 'paid', payment_intent = 'pi_essential' || <i>
  WHERE session_id = 'cs_essential' || <i> RETURNING *),
o AS (INSERT INTO orders (identifier, checkout_id, session_id, payment_intent, cart_id, cart_generation, email,
    customer_name, currency, item_subtotal, item_discount, shipping_subtotal, shipping_discount, total,
    shipping_method, shipping_address, billing_address, agreed_with_terms_of_sale)
  SELECT 'essential' || <i>, id, session_id, payment_intent, cart_id, cart_generation, email,
    'Pat Buyer', currency, item_subtotal, item_discount, shipping_subtotal, shipping_discount, total,
    quote -> 'shipping', <address>, <address>, true
  FROM q RETURNING id, checkout_id, cart_id),
l AS (INSERT INTO order_line (order_id, seq, sku_id, quantity, price_cents, product_title)
  SELECT id, 0, 6, 2, 398, 'Binder Clips' FROM o),
s AS (INSERT INTO order_status (order_id, status) SELECT id, 'accepted' FROM o),
r AS (DELETE FROM reservation USING o WHERE reservation.checkout_id = o.checkout_id)
DELETE FROM cart USING o WHERE cart.id = o.cart_id;
INSERT INTO mailer.delivery (key, kind, message_id, to_hashes, payload, created_at, deadline, state, done_at)
  VALUES ('essential' || <i>, 'order-visitor', 'essential' || <i>, ARRAY[md5(<i>)], <mail>, now(),
    now() + interval '3 days', 'sent', now());
`

// essential makes the script. Its payloads are as long as those of the newest real purchase.
func (s *contender) essential(ctx context.Context) (script, error) {
	var quote, event, address, mail string
	err := errors.Join(
		s.owner.QueryRow(ctx,
			`SELECT c.quote::text, o.shipping_address::text
				FROM "order".checkout c JOIN "order".orders o ON o.checkout_id = c.id ORDER BY o.id DESC LIMIT 1`).Scan(&quote, &address),
		s.owner.QueryRow(ctx,
			`SELECT encode(payload, 'hex') FROM webhook.event WHERE type = 'checkout.session.completed'
			ORDER BY received DESC LIMIT 1`).Scan(&event),
		s.owner.QueryRow(ctx,
			`SELECT encode(payload, 'hex') FROM mailer.delivery WHERE payload IS NOT NULL ORDER BY id DESC LIMIT 1`).
			Scan(&mail))
	if err != nil {
		return script{}, fmt.Errorf("read a purchase: %w", err)
	}
	bytes := func(hex string) string { return "decode('" + hex + "', 'hex')" }
	text := strings.NewReplacer("<i>", "CAST(:i AS text)", "<quote>", literal(quote)+"::jsonb", "<address>",
		literal(address)+"::jsonb", "<event>", bytes(event), "<mail>", bytes(mail)).Replace(essentialSQL)
	return s.script(`"order"`, "essential", text)
}

// essentials returns how many purchases a second pgbench writes.
func (s *contender) essentials(ctx context.Context, essential script, clients int) (float64, error) {
	if err := s.checkpoint(ctx); err != nil {
		return 0, err
	}
	first := s.next.Add(essentialsEach) - essentialsEach
	return s.pgbench(ctx, essential, clients, "-T", "4", "-D", "first="+strconv.FormatInt(first, 10))
}

// essentialsEach is more than pgbench can write in one run.
const essentialsEach = 1_000_000
