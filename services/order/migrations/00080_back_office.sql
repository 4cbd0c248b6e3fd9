-- +goose Up

-- What staff do with orders, and what Stripe says of their money: docs/adr/0021-refunds-and-parcels.md.

ALTER TABLE orders ADD COLUMN version integer NOT NULL DEFAULT 1;  -- grows with every act of staff; who acts says which one they saw
ALTER TABLE orders ADD COLUMN canceled_at timestamptz;

INSERT INTO status (identifier, title, description, position) VALUES
  ('canceled', 'Canceled', 'Your order was canceled.', 5),
  ('refunded', 'Refunded', 'The whole amount of your order was given back.', 6)
ON CONFLICT DO NOTHING;

-- A parcel. The customer is told of it at mail_at; until then it can be undone.
CREATE TABLE shipment (
  id                text PRIMARY KEY,                  -- crypto/rand
  order_id          bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  carrier           text NOT NULL CHECK (length(carrier) <= 100),
  tracking_base_url text NOT NULL DEFAULT '' CHECK (length(tracking_base_url) <= 200), -- the shipping method's, as it was then
  tracking_number   text NOT NULL DEFAULT '' CHECK (length(tracking_number) <= 100),
  shipped_at        timestamptz NOT NULL DEFAULT now(),
  mail_at           timestamptz NOT NULL,
  told_at           timestamptz,                       -- when the command to mail it was written
  corrections       integer NOT NULL DEFAULT 0,        -- mails about a corrected tracking number
  by_person         bigint NOT NULL DEFAULT 0,         -- of the back office; 0 for a command
  by_name           text NOT NULL,
  CONSTRAINT shipment_finite CHECK (isfinite(shipped_at) AND isfinite(mail_at))
);
CREATE INDEX shipment_order ON shipment (order_id);
CREATE INDEX shipment_to_tell ON shipment (mail_at) WHERE told_at IS NULL;
CREATE INDEX shipment_tracking ON shipment (tracking_number text_pattern_ops) WHERE tracking_number <> '';

CREATE TABLE shipment_line (
  shipment_id text NOT NULL REFERENCES shipment ON DELETE CASCADE,
  order_id    bigint NOT NULL,
  seq         integer NOT NULL,
  quantity    integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (shipment_id, seq),
  FOREIGN KEY (order_id, seq) REFERENCES order_line ON DELETE CASCADE
);
CREATE INDEX shipment_line_order ON shipment_line (order_id, seq);

-- Orders that were sent before there were parcels: one parcel each, of which the customer is told nothing new.
INSERT INTO shipment (id, order_id, carrier, tracking_base_url, tracking_number, shipped_at, mail_at, told_at, by_name)
SELECT 'order-' || o.id, o.id, left(coalesce(o.shipping_method->>'carrier', ''), 100),
  left(coalesce(o.shipping_method->>'tracking_code_base_url', ''), 200), left(coalesce(o.tracking_number, ''), 100),
  s.created_date_time, s.created_date_time, s.created_date_time, 'before parcels were kept'
FROM orders o JOIN order_status s ON s.order_id = o.id AND s.status = 'shipped' WHERE isfinite(s.created_date_time);
INSERT INTO shipment_line (shipment_id, order_id, seq, quantity)
SELECT 'order-' || l.order_id, l.order_id, l.seq, l.quantity FROM order_line l WHERE EXISTS (SELECT FROM shipment s WHERE s.id = 'order-' || l.order_id);

-- Money given back, by the shop or in Stripe's dashboard. The id is the idempotency key at Stripe, and comes back with
-- the refund as metadata. The state only moves on: requested, pending, succeeded, failed or canceled.
CREATE TABLE refund (
  id             text PRIMARY KEY,                     -- crypto/rand, or Stripe's own when it was made there
  payment_intent text NOT NULL,                        -- not an order: Stripe may speak first, and payments for staff have none
  origin         text NOT NULL CHECK (origin IN ('shop', 'stripe')),
  stripe_id      text UNIQUE,
  amount         bigint NOT NULL CHECK (amount > 0),
  shipping       bigint NOT NULL DEFAULT 0 CHECK (shipping BETWEEN 0 AND amount), -- of the amount
  currency       text NOT NULL,
  state          text NOT NULL CHECK (state IN ('requested', 'pending', 'succeeded', 'failed', 'canceled')),
  reason         text NOT NULL DEFAULT '' CHECK (reason IN ('', 'duplicate', 'fraudulent', 'requested_by_customer')),
  note           text NOT NULL DEFAULT '' CHECK (length(note) <= 1000),
  failure        text NOT NULL DEFAULT '',             -- Stripe's word for why it failed
  with_cancel    boolean NOT NULL DEFAULT false,       -- the mail about the canceled order tells of it
  by_person      bigint NOT NULL DEFAULT 0,
  by_name        text NOT NULL DEFAULT '',
  attempts       integer NOT NULL DEFAULT 0,           -- calls to Stripe that were begun
  next_at        timestamptz NOT NULL DEFAULT now(),   -- of the next call while it is requested
  trouble        text NOT NULL DEFAULT '',             -- why the last call did not work out
  created_at     timestamptz NOT NULL DEFAULT now(),
  checked_at     timestamptz NOT NULL DEFAULT now(),   -- when Stripe last said how it stands
  told_at        timestamptz,                          -- when the command to mail the customer was written
  noted_at       timestamptz,                          -- when it was put on the list for staff, having come to nothing
  CONSTRAINT refund_finite CHECK (isfinite(created_at) AND isfinite(next_at) AND isfinite(checked_at)),
  CHECK (origin = 'shop' OR stripe_id IS NOT NULL)
);
CREATE INDEX refund_payment ON refund (payment_intent);
CREATE INDEX refund_to_make ON refund (next_at) WHERE state = 'requested';
CREATE INDEX refund_pending ON refund (checked_at) WHERE state = 'pending';
CREATE INDEX refund_to_tell ON refund (created_at) WHERE told_at IS NULL AND state IN ('pending', 'succeeded');

-- The pieces that a refund is for.
CREATE TABLE refund_line (
  refund_id text NOT NULL REFERENCES refund ON DELETE CASCADE,
  order_id  bigint NOT NULL,
  seq       integer NOT NULL,
  quantity  integer NOT NULL CHECK (quantity > 0),
  restocked boolean NOT NULL,
  PRIMARY KEY (refund_id, seq),
  FOREIGN KEY (order_id, seq) REFERENCES order_line ON DELETE CASCADE
);
CREATE INDEX refund_line_order ON refund_line (order_id, seq);

-- Payments that a buyer contests. moves and status only move on, so that Stripe's events may come in any order.
CREATE TABLE dispute (
  id             text PRIMARY KEY,                     -- Stripe's
  payment_intent text NOT NULL,
  amount         bigint NOT NULL,
  withdrawn      bigint NOT NULL,                      -- that is away from the account now
  moves          integer NOT NULL,                     -- how often money was taken or given back
  currency       text NOT NULL,
  reason         text NOT NULL,
  status         text NOT NULL,
  due_by         timestamptz,                          -- until when the bank takes evidence
  created_at     timestamptz NOT NULL,
  checked_at     timestamptz NOT NULL DEFAULT now(),
  noted          text NOT NULL DEFAULT '',             -- the status that the list for staff has
  CONSTRAINT dispute_finite CHECK (isfinite(due_by) AND isfinite(created_at) AND isfinite(checked_at))
);
CREATE INDEX dispute_payment ON dispute (payment_intent);
CREATE INDEX dispute_to_check ON dispute (checked_at) WHERE status NOT IN ('won', 'lost', 'warning_closed');

-- Where staff sent an order instead. It holds what the log of acts must not: an erasure would not find it there.
CREATE TABLE address_change (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id  bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  version   integer NOT NULL,                          -- of the order, after the change
  before    jsonb NOT NULL,
  after     jsonb NOT NULL,
  by_person bigint NOT NULL DEFAULT 0,
  by_name   text NOT NULL,
  at        timestamptz NOT NULL DEFAULT now(),
  UNIQUE (order_id, version)
);

-- Stripe's lists of refunds and disputes are read from here on: those of before this table included, if there were any.
ALTER TABLE sweep ADD COLUMN refunds_listed_to timestamptz NOT NULL DEFAULT now();
UPDATE sweep SET refunds_listed_to = least(refunds_listed_to, (SELECT min(at) FROM payment_event WHERE isfinite(at)));
ALTER TABLE sweep ADD CONSTRAINT sweep_refunds_finite CHECK (isfinite(refunds_listed_to)) NOT VALID;

COMMENT ON COLUMN payment_issue.session_id IS 'Stripe''s session; of a failed refund or a dispute, the id of that.';
