// Package stripestandin imitates one Stripe account in test mode, so that the shop can be run and
// tested without Stripe: the API calls the shop makes, the hosted payment page, and signed
// webhooks. It refuses live keys.
//
// # API
//
// Under /v1, form-encoded like Stripe's, with the secret key as bearer token or Basic user name:
// checkout sessions (create, retrieve, list, line items, expire), coupons, payment intents,
// charges, refunds, disputes and events. Answers have the shape of API version 2023-10-16. What
// Stripe refuses is refused with Stripe's error object, also unknown parameters; what Stripe
// offers but the stand-in does not imitate is refused with the code standin_unsupported.
// Idempotency-Key works as at Stripe: the same request gets the same answer for 24 hours, another
// one under the same key is refused, and refused requests leave no answer behind.
//
// # Payment page
//
// A session's url leads to a plain page that works without JavaScript. Its form fields are email,
// phone, shipping_name, shipping_line1, shipping_line2, shipping_city, shipping_state,
// shipping_postal_code, shipping_country, billing_same (on), billing_name and the billing_ fields
// like the shipping ones, shipping_option (0, 1, …), method (card, delayed), card_number,
// card_expiry (MM/YY) and card_cvc; a test may post them to the page's address. Each input has its
// name as element id (method_card and method_delayed for the radio buttons); further ids are
// pay-form, pay (the button), cancel, problem, <field>_error, total, subtotal, discount,
// shipping, lines, and authorize and reject on the 3-D Secure page, state and continue on the page
// of a finished session. The answer to a payment is a 303 to the success address; every other page
// is a 200 whose header Standin-Outcome says which: open, invalid (wrong input), declined, confirm
// (3-D Secure), complete, expired.
//
// Cards, with any expiry date ahead and any CVC:
//
//	4242 4242 4242 4242   pays (also 5555 5555 5555 4444, 3782 822463 10005, 6011 1111 1111 1117)
//	4000 0025 0000 3155   asks for a 3-D Secure confirmation, then pays
//	4000 0000 0000 0259   pays and is disputed at once
//	4000 0000 0000 0002   is declined
//	4000 0000 0000 9995   is declined for lack of funds
//	4000 0000 0000 0069   is declined as expired
//	4000 0000 0000 0127   is declined for its CVC
//	4000 0000 0000 0119   fails with a processing error
//
// Every other number is declined. The method "delayed" is a bank debit: the session completes
// unpaid, and the dashboard, POST /_/sessions/{id}/async or the switch async_after_ms lets it
// succeed or fail.
//
// # Webhooks
//
// Events are signed and posted to one address until it answers 2xx, after pauses of 1 s, 2 s, 4 s
// up to 60 s, for three days, across restarts. Types: checkout.session.completed,
// .async_payment_succeeded, .async_payment_failed, .expired; payment_intent.succeeded and
// .payment_failed; charge.refunded, charge.refund.updated, refund.created, .updated and .failed;
// charge.dispute.created, .updated, .closed, .funds_withdrawn and .funds_reinstated.
//
// # Control surface
//
// For people at / and for tests under /_/, JSON in and out (or form fields):
//
//	GET, POST, DELETE /_/switches            the type Switches; POST changes the named ones
//	POST /_/clock                            advance_seconds: expiry, debits and repeats come due
//	GET  /_/sessions                         the ledger: all sessions, type Ledger
//	GET  /_/events                           all events and their delivery, type Delivery
//	POST /_/sessions/{id}/pay                the type PayOptions, all optional
//	POST /_/sessions/{id}/expire
//	POST /_/sessions/{id}/async              outcome: succeed or fail
//	POST /_/payments/{payment_intent}/refund amount in cents, optional
//	POST /_/refunds/{id}                     outcome: succeed, fail or cancel a pending one; fail later
//	POST /_/payments/{payment_intent}/dispute outcome: empty opens one, inquiry one that takes no money yet;
//	                                         evidence, escalate (an inquiry), won and lost take it on
//	POST /_/events/{id}/resend
//
// An API fault that strikes after the effect (APIFault.After) leaves the call done: a timeout
// then cuts the connection, and the caller's repeat under the same key gets the true answer; a 500
// is itself the answer that is kept under the key, as at Stripe. (Go's HTTP client repeats a call
// with an Idempotency-Key by itself when a kept connection was cut.) Who reaches the listener may
// use this surface: bind it to loopback.
//
// # State
//
// One file of JSON lines, each a change that became true at once, synced before it is answered,
// and compacted at start. A line torn by a crash is left out. Card numbers are never written.
package stripestandin
