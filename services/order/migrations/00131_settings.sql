-- +goose Up

-- What staff set in the back office. Versions grow with each change, and tell two people at once from one.

ALTER TABLE configuration ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE configuration ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE configuration ADD COLUMN changed_by text NOT NULL DEFAULT '';

INSERT INTO configuration (key, value) VALUES ('shipping_countries', 'US,CA') ON CONFLICT DO NOTHING;

-- The price of a method is shipping_cost_cents up to the first step, and that of the last step that is reached from there
-- on: steps are [{"from": grams or cents, "cents": price}, …], the smallest first.
ALTER TABLE shipping_method ADD COLUMN price_by text NOT NULL DEFAULT 'flat' CHECK (price_by IN ('flat', 'weight', 'total'));
ALTER TABLE shipping_method ADD COLUMN steps jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(steps) = 'array');
ALTER TABLE shipping_method ADD COLUMN free_above_cents bigint CHECK (free_above_cents BETWEEN 0 AND 9999999999); -- items, before discounts
ALTER TABLE shipping_method ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE shipping_method ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE shipping_method ADD COLUMN changed_by text NOT NULL DEFAULT '';

ALTER TABLE sku ADD COLUMN weight_grams integer CHECK (weight_grams BETWEEN 0 AND 10000000); -- of a piece as it is sent; NULL: not known, counts as 0

ALTER TABLE status ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE status ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE status ADD COLUMN changed_by text NOT NULL DEFAULT '';
