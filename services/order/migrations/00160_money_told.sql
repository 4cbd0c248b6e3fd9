-- +goose Up

-- What refunds and disputes took back of an order, in cents, as it was told to other services, and how often it changed.
ALTER TABLE orders ADD COLUMN returned bigint NOT NULL DEFAULT 0, ADD COLUMN returned_version bigint NOT NULL DEFAULT 0;

UPDATE orders SET returned = m.returned FROM (
  SELECT payment_intent, sum(amount) AS returned FROM (
    SELECT payment_intent, amount FROM refund WHERE state IN ('pending', 'succeeded')
    UNION ALL SELECT payment_intent, withdrawn FROM dispute) AS each GROUP BY payment_intent) AS m
WHERE orders.payment_intent = m.payment_intent AND m.returned <> 0;

-- How far the orders of before are told to those who keep figures of customers; gone once all are.
CREATE TABLE history_told (
  single  boolean PRIMARY KEY DEFAULT true CHECK (single),
  last_id bigint NOT NULL DEFAULT 0,  -- of the last order that was told
  until   timestamptz NOT NULL        -- orders placed from then on are told with their purchase alone
);

-- An hour more than there are: a process of before may still receive them, which keeps less of them.
INSERT INTO history_told (until) SELECT now() + interval '1 hour' WHERE EXISTS (SELECT FROM orders);
