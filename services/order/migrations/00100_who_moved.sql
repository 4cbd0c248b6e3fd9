-- +goose Up

-- Who gave an order a status; empty for those that came by themselves.
ALTER TABLE order_status ADD by_person bigint NOT NULL DEFAULT 0, ADD by_name text NOT NULL DEFAULT '';

-- A trail and a ledger look for what staff have to see to by the payment.
CREATE INDEX payment_issue_payment ON payment_issue (payment_intent) WHERE payment_intent IS NOT NULL;
