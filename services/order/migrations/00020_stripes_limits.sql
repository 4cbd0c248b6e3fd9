-- +goose Up

-- Stripe takes at most 999,999.99 for one price and one payment. NOT VALID: what stands there already
-- stays, and cannot be sold until it is cheaper; whatever is added or changed is checked.
ALTER TABLE sku_price ADD CONSTRAINT sku_price_stripe CHECK (price_cents <= 99999999) NOT VALID;
ALTER TABLE shipping_method ADD CONSTRAINT shipping_method_stripe CHECK (shipping_cost_cents <= 99999999) NOT VALID;
