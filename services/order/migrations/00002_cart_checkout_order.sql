-- +goose Up

-- A cart belongs to a member or to the visitor who holds its signed id. At most one each.
CREATE TABLE cart (
  id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id          bigint UNIQUE,
  anonymous_id       text UNIQUE,
  shipping_method_id bigint REFERENCES shipping_method,
  receipt_email      text,                      -- the address that a visitor named for the receipt
  generation         int NOT NULL DEFAULT 1,    -- grows with each order made from this cart: one order each
  created_at         timestamptz NOT NULL DEFAULT now(),
  updated_at         timestamptz NOT NULL DEFAULT now(),
  CHECK ((member_id IS NULL) <> (anonymous_id IS NULL))
);

CREATE TABLE cart_line (
  cart_id  bigint NOT NULL REFERENCES cart ON DELETE CASCADE,
  sku_id   bigint NOT NULL REFERENCES sku ON DELETE CASCADE,
  quantity int NOT NULL CHECK (quantity BETWEEN 0 AND 99),
  seq      bigint GENERATED ALWAYS AS IDENTITY,  -- lines stay in the order in which they were put in
  PRIMARY KEY (cart_id, sku_id)
);

CREATE TABLE cart_code (
  cart_id bigint NOT NULL REFERENCES cart ON DELETE CASCADE,
  code_id bigint NOT NULL REFERENCES discount_code ON DELETE CASCADE,
  seq     bigint GENERATED ALWAYS AS IDENTITY,   -- codes count in the order of application
  PRIMARY KEY (cart_id, code_id)
);

-- What became of a visitor's cart at login, whole, so that it can be undone.
CREATE TABLE cart_merge (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_cart_id bigint NOT NULL UNIQUE,
  to_cart_id   bigint NOT NULL,
  member_id    bigint NOT NULL,
  visitor      jsonb NOT NULL,  -- the visitor's lines and codes
  before       jsonb NOT NULL,  -- the member's lines before
  at           timestamptz NOT NULL DEFAULT now()
);

-- A quote: what a shopper was shown when the payment page was made for them. It never changes, and
-- the order is made from it alone.
CREATE TABLE checkout (
  id                text PRIMARY KEY,            -- random; Stripe's client_reference_id and idempotency key
  cart_id           bigint NOT NULL,             -- no foreign key: the quote outlives its cart
  cart_generation   int NOT NULL,
  quote_hash        text NOT NULL,
  state             text NOT NULL CHECK (state IN ('creating', 'open', 'pending', 'paid', 'expired', 'failed')),
  member_id         bigint,
  member_code       text,
  email             text,
  newsletter        boolean NOT NULL DEFAULT false,
  agreed_at         timestamptz NOT NULL,        -- terms of sale, at the checkout page
  quote             jsonb NOT NULL,              -- lines, codes, shipping as shown
  currency          text NOT NULL DEFAULT 'usd',
  item_subtotal     bigint NOT NULL,
  item_discount     bigint NOT NULL,
  shipping_subtotal bigint NOT NULL,
  shipping_discount bigint NOT NULL,
  total             bigint NOT NULL,
  stripe_attempt    int NOT NULL DEFAULT 1,      -- grows when Stripe answered 5xx: it would replay that answer
  session_id        text UNIQUE,
  url               text,
  payment_intent    text,
  expires_at        timestamptz NOT NULL,        -- of Stripe's session and of the reservations
  created_at        timestamptz NOT NULL DEFAULT now(),
  checked_at        timestamptz NOT NULL DEFAULT now(), -- when the sweep last asked Stripe
  CHECK (total = item_subtotal - item_discount + shipping_subtotal - shipping_discount),
  CHECK (item_discount BETWEEN 0 AND item_subtotal AND shipping_discount BETWEEN 0 AND shipping_subtotal)
);
-- A repeated click finds its quote again.
CREATE UNIQUE INDEX checkout_live ON checkout (cart_id, cart_generation, quote_hash) WHERE state IN ('creating', 'open');
CREATE INDEX checkout_to_check ON checkout (checked_at) WHERE state IN ('creating', 'open', 'pending');

-- Pieces that a checkout holds until it is paid or ends. sku.stock does not count them.
CREATE TABLE reservation (
  checkout_id text NOT NULL REFERENCES checkout ON DELETE CASCADE,
  sku_id      bigint NOT NULL REFERENCES sku,
  quantity    int NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (checkout_id, sku_id)
);

-- Who used, or is about to use, a code. Gone when the checkout ends without payment.
CREATE TABLE code_use (
  checkout_id text NOT NULL REFERENCES checkout ON DELETE CASCADE,
  code_id     bigint NOT NULL REFERENCES discount_code,
  customer    text NOT NULL,                     -- member:<id>, or the receipt address in lower case, or the cart
  PRIMARY KEY (checkout_id, code_id)
);
CREATE INDEX code_use_customer ON code_use (code_id, customer);

CREATE TABLE orders (
  id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identifier         text NOT NULL UNIQUE,
  checkout_id        text NOT NULL UNIQUE REFERENCES checkout,
  session_id         text NOT NULL UNIQUE,
  payment_intent     text UNIQUE,
  cart_id            bigint NOT NULL,
  cart_generation    int NOT NULL,
  member_id          bigint,                     -- null: a visitor's order
  prospect_code      text,
  email              text,
  customer_name      text,
  currency           text NOT NULL,
  item_subtotal      bigint NOT NULL CHECK (item_subtotal >= 0),
  item_discount      bigint NOT NULL CHECK (item_discount BETWEEN 0 AND item_subtotal),
  shipping_subtotal  bigint NOT NULL CHECK (shipping_subtotal >= 0),
  shipping_discount  bigint NOT NULL CHECK (shipping_discount BETWEEN 0 AND shipping_subtotal),
  sales_tax          bigint NOT NULL DEFAULT 0 CHECK (sales_tax >= 0),
  total              bigint NOT NULL,
  shipping_method    jsonb,                      -- as quoted
  tracking_number    text,
  shipping_address   jsonb,
  billing_address    jsonb,
  agreed_with_terms_of_sale boolean NOT NULL,
  placed_at          timestamptz NOT NULL DEFAULT now(),
  UNIQUE (cart_id, cart_generation),
  CHECK (total = item_subtotal - item_discount + shipping_subtotal - shipping_discount + sales_tax)
);
CREATE INDEX orders_member ON orders (member_id, placed_at DESC);
CREATE INDEX orders_visitor_email ON orders (lower(email)) WHERE member_id IS NULL;

CREATE TABLE order_line (
  order_id    bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  seq         int NOT NULL,
  sku_id      bigint NOT NULL REFERENCES sku,
  quantity    int NOT NULL CHECK (quantity BETWEEN 1 AND 99),
  price_cents bigint NOT NULL,
  PRIMARY KEY (order_id, seq),
  UNIQUE (order_id, sku_id)
);

-- The codes of an order, frozen, with the flag that counted.
CREATE TABLE order_code (
  order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  seq      int NOT NULL,
  code_id  bigint NOT NULL,
  applied  boolean NOT NULL,
  detail   jsonb NOT NULL,
  PRIMARY KEY (order_id, seq),
  UNIQUE (order_id, code_id)
);

CREATE TABLE status (
  identifier  text PRIMARY KEY CHECK (length(identifier) <= 100),
  title       text NOT NULL CHECK (length(title) <= 100),
  description text NOT NULL CHECK (length(description) <= 500),
  position    int NOT NULL
);

CREATE TABLE order_status (
  order_id          bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  status            text NOT NULL REFERENCES status,
  created_date_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (order_id, status)
);

-- What Stripe said about a payment after the order was made, or before it: refunds, disputes.
CREATE TABLE payment_event (
  event_id       text PRIMARY KEY,
  type           text NOT NULL,
  payment_intent text NOT NULL,
  amount         bigint,
  currency       text,
  payload        jsonb NOT NULL,
  at             timestamptz NOT NULL
);
CREATE INDEX payment_event_intent ON payment_event (payment_intent);

-- Payments that made no order, for staff: what happened, how much money, and the raw event.
CREATE TABLE payment_issue (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reason         text NOT NULL,
  explanation    text NOT NULL,
  session_id     text NOT NULL,
  payment_intent text,
  event_id       text,
  amount         bigint,
  currency       text,
  payload        jsonb NOT NULL,
  at             timestamptz NOT NULL DEFAULT now(),
  resolved_at    timestamptz,
  resolved_by    text,
  UNIQUE (session_id, reason)
);
CREATE INDEX payment_issue_open ON payment_issue (at) WHERE resolved_at IS NULL;

-- The code under which a visitor's mail links come back, as user told us or as we proposed it.
CREATE TABLE prospect (
  email   text PRIMARY KEY,                      -- lower case
  code    text NOT NULL,
  version bigint NOT NULL DEFAULT 0
);

-- When the sweep over Stripe's sessions last finished, and who may run it now.
CREATE TABLE sweep (
  id          boolean PRIMARY KEY DEFAULT true CHECK (id),
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  finished_at timestamptz NOT NULL DEFAULT now(),
  listed_to   timestamptz NOT NULL DEFAULT now() - interval '3 days'
);
INSERT INTO sweep DEFAULT VALUES;
