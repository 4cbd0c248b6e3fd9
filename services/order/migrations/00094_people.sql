-- +goose Up

-- A person who is exported or erased is found by index in what grows with every order: by address in orders with
-- orders_email_begins, which serves the visitors' own as well.
DROP INDEX orders_visitor_email;
CREATE INDEX orders_prospect ON orders (prospect_code) WHERE prospect_code IS NOT NULL;
CREATE INDEX checkout_member ON checkout (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX checkout_email ON checkout (lower(email)) WHERE email IS NOT NULL;
CREATE INDEX cart_receipt ON cart (lower(receipt_email)) WHERE receipt_email IS NOT NULL;
CREATE INDEX cart_merge_member ON cart_merge (member_id);
CREATE INDEX prospect_code ON prospect (code);

-- Who used a code, and who did at all.
CREATE INDEX code_use_whose ON code_use (customer, code_id);
DROP INDEX code_use_customer;
