-- +goose Up

-- Codes for some of what is sold, and codes that are made in bulk.

-- What a code is for, where that is not everything: the SKUs of collections, and SKUs. The codes of a batch share one.
CREATE TABLE discount_scope (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);

-- Without its last collection a scope is for nothing, not for everything.
CREATE TABLE discount_scope_collection (
  scope_id      bigint NOT NULL REFERENCES discount_scope ON DELETE CASCADE,
  collection_id bigint NOT NULL REFERENCES collection ON DELETE CASCADE,
  PRIMARY KEY (scope_id, collection_id)
);
CREATE INDEX discount_scope_collection_collection ON discount_scope_collection (collection_id);

CREATE TABLE discount_scope_sku (
  scope_id bigint NOT NULL REFERENCES discount_scope ON DELETE CASCADE,
  sku_id   bigint NOT NULL REFERENCES sku ON DELETE CASCADE,
  PRIMARY KEY (scope_id, sku_id)
);
CREATE INDEX discount_scope_sku_sku ON discount_scope_sku (sku_id);

-- Codes that were made at once, each for one order.
CREATE TABLE discount_batch (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name    text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  once    text NOT NULL UNIQUE,                        -- of the form: sent twice, it makes one batch
  made_at timestamptz NOT NULL DEFAULT now(),
  made_by text NOT NULL
);

ALTER TABLE discount_code ADD COLUMN scope_id bigint REFERENCES discount_scope; -- NULL: the code is for everything
ALTER TABLE discount_code ADD COLUMN batch_id bigint REFERENCES discount_batch;
ALTER TABLE discount_code ADD COLUMN version integer NOT NULL DEFAULT 1;        -- grows with every change by staff
ALTER TABLE discount_code ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE discount_code ADD COLUMN changed_by text NOT NULL DEFAULT '';
CREATE INDEX discount_code_scope ON discount_code (scope_id) WHERE scope_id IS NOT NULL;
CREATE INDEX discount_code_batch ON discount_code (batch_id, id DESC);
CREATE INDEX discount_code_begins ON discount_code (lower(code) text_pattern_ops);

-- A line that the order's discount on items was not taken off, because the code was for others.
ALTER TABLE order_line ADD COLUMN full_price boolean NOT NULL DEFAULT false;
