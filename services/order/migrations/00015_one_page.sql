-- +goose Up

-- A shopper has at most one payment page that can be paid, also when their cart ends.
ALTER TABLE checkout
  ADD COLUMN owner    text,                            -- member:<id> or visitor:<cart's id in the cookie>: whose page this is
  ADD COLUMN round    text,                            -- the checkout whose page Stripe would not close before this one: one order of both
  ADD COLUMN unclosed boolean NOT NULL DEFAULT false,  -- ended here, and may still be open at Stripe: the sweep goes on closing it
  ADD COLUMN asked_at timestamptz;                     -- when the shopper was last told that a bank still works on this payment

CREATE INDEX checkout_owner ON checkout (owner);
CREATE INDEX checkout_round ON checkout (round) WHERE round IS NOT NULL;
CREATE INDEX checkout_unsettled ON checkout (cart_id) WHERE state IN ('creating', 'open', 'pending') OR unclosed;
CREATE INDEX checkout_unclosed ON checkout (checked_at) WHERE unclosed;
CREATE INDEX cart_merge_to ON cart_merge (to_cart_id);
