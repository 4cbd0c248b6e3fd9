-- +goose Up

-- PostgreSQL's infinity is no moment that this shop can read, and one row that holds it would stop the
-- sweep for all others. NOT VALID: what is added or changed is checked. discount_code is not held to it: staff write
-- infinity for a code that never ends, and it is read as such.
ALTER TABLE checkout ADD CONSTRAINT checkout_finite
  CHECK (isfinite(agreed_at) AND isfinite(expires_at) AND isfinite(created_at) AND isfinite(checked_at) AND isfinite(asked_at)) NOT VALID;
ALTER TABLE sweep ADD CONSTRAINT sweep_finite CHECK (isfinite(finished_at) AND isfinite(listed_to)) NOT VALID;
ALTER TABLE orders ADD CONSTRAINT orders_finite CHECK (isfinite(placed_at)) NOT VALID;
ALTER TABLE payment_issue ADD CONSTRAINT payment_issue_finite CHECK (isfinite(at)) NOT VALID;
