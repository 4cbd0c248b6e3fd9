package browser

import "github.com/startupwebapp/startupwebapp/test/shoptest"

// fillPeople makes customers, prospects and a chat like those of a shop in use.
func fillPeople(shop *shoptest.Shop) {
	shop.Exec("user", `INSERT INTO tag (name) VALUES ('press'), ('wholesale')`)
	shop.Exec("user", `INSERT INTO account (id, username, password, first_name, last_name, email, newsletter, unsubscribe_token, mb_cd,
		  joined, last_login, tags, orders, spent, last_order)
		SELECT 900 + n, 'shopper' || n, 'x', (ARRAY['Ada', 'Grace', 'Bartholomew'])[1 + n % 3],
		  (ARRAY['Byron', 'Hopper', 'Featherstonehaugh'])[1 + n % 3], 'shopper' || n || '@mail.example.com', n % 2 = 1, 'at' || n,
		  'mb' || n, now() - n * interval '9 days', now() - n * interval '7 hours',
		  CASE WHEN n = 1 THEN '{press,wholesale}'::text[] ELSE '{}' END, n * 3 % 11, n * 7919 % 50000, now() - n * interval '2 days'
		FROM generate_series(1, 12) AS n`)
	shop.Exec("user", `INSERT INTO prospect (id, email, first_name, last_name, phone, unsubscribe_token, pr_cd, unsubscribed,
		  source, created, orders, spent)
		SELECT 900 + n, 'visitor' || n || '@mail.example.com', 'Kim', 'Ji-woo', '+1 555 010' || n, 'pt' || n, 'pr' || n, n % 2 = 0,
		  (ARRAY['chat', 'order', 'import'])[1 + n % 3], now() - n * interval '11 days', n % 3, n % 3 * 1999
		FROM generate_series(1, 9) AS n`)
	shop.Exec("user", `INSERT INTO customer_note (member_id, written_by, text, at)
		VALUES (901, 'Mia Lindqvist', 'Buys for a school: wants invoices by mail, and one parcel.', now() - interval '3 days')`)
	shop.Exec("user", `INSERT INTO consent (member_id, what, given, at, source) VALUES (901, 'newsletter', true, now(), 'registration')`)
	shop.Exec("user", `INSERT INTO terms_agreed (member_id, version) SELECT id, 1 FROM account WHERE id > 902 ON CONFLICT DO NOTHING`)
	shop.Exec("user", `INSERT INTO unsubscribe_reason (member_id, no_longer_want, never_signed_up, inappropriate, spam, other)
		VALUES (902, true, false, false, false, 'One mail a month would do.'), (904, false, true, false, true, '')`)
	shop.Exec("user", `INSERT INTO chat_thread (id, email, name, state, last_at) VALUES
		(901, 'shopper1@mail.example.com', 'Ada Byron', 'open', now()), (902, 'visitor3@mail.example.com', 'Kim', 'open', now())`)
	shop.Exec("user", `INSERT INTO chat_message (member_id, prospect_id, name, email, message, created) VALUES
		(901, NULL, 'Ada Byron', 'shopper1@mail.example.com', 'Do the paper clips come in blue, too?', now() - interval '5 hours'),
		(NULL, 903, 'Kim', 'visitor3@mail.example.com', 'Where is my parcel?', now() - interval '2 hours'),
		(901, NULL, 'Ada Byron', 'shopper1@mail.example.com', E'Then two hundred of them.\nBy Friday, if you can.',
		  now() - interval '1 hour')`)
	shop.Exec("user", `INSERT INTO chat_answer (thread_id, written_by, text, at)
		VALUES (901, 'Mia Lindqvist', 'They do, from this week on.', now() - interval '4 hours')`)
	shop.Exec("user", `INSERT INTO canned_answer (id, title, text) VALUES
		(901, 'On its way', E'Hello {name},\n\nyour parcel is on its way.'),
		(902, 'In stock again', E'Hello {name},\n\nit is in stock again.')`)
}
