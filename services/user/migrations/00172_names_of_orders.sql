-- +goose Up

-- Who ordered without an account is found by the name of their last order: by how it begins, or its last word.
ALTER TABLE prospect ADD COLUMN order_name text NOT NULL DEFAULT '';
CREATE INDEX prospect_order_name_begins ON prospect (lower(order_name) text_pattern_ops);
CREATE INDEX prospect_order_last_name_begins ON prospect (lower(substring(order_name from '[^ ]+$')) text_pattern_ops);

-- Members by their whole name, too.
CREATE INDEX account_name_begins ON account (lower(first_name || ' ' || last_name) text_pattern_ops);
