-- +goose Up

-- When a refund succeeded and a dispute was lost; NULL for those of before: then created_at and checked_at stand for it.
ALTER TABLE refund ADD COLUMN succeeded_at timestamptz;
ALTER TABLE dispute ADD COLUMN lost_at timestamptz;

-- What was given back of an order for good, as it was told to reports: a list of {at, amount, tax}, amounts in cents.
ALTER TABLE orders ADD COLUMN given_back jsonb NOT NULL DEFAULT '[]', ADD COLUMN given_back_version bigint NOT NULL DEFAULT 0;

WITH moved AS (
  SELECT payment_intent, id, amount, created_at AS at FROM refund WHERE state = 'succeeded'
  UNION ALL SELECT payment_intent, id, withdrawn, checked_at FROM dispute WHERE status = 'lost' AND withdrawn > 0
), summed AS (
  SELECT *, sum(amount) OVER (PARTITION BY payment_intent ORDER BY at, id) AS upto FROM moved
), shared AS (
  SELECT m.*, o.id AS order_id, (round(least(upto, o.total) * (o.sales_tax + o.tax_included) / o.total)
    - round(least(upto - amount, o.total) * (o.sales_tax + o.tax_included) / o.total))::bigint AS tax
  FROM summed m JOIN orders o USING (payment_intent) WHERE o.total > 0
), now AS (
  SELECT order_id, jsonb_agg(jsonb_build_object('at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'amount', amount, 'tax', tax) ORDER BY at, id) AS given_back FROM shared GROUP BY order_id
)
UPDATE orders SET given_back = now.given_back FROM now WHERE orders.id = now.order_id;

-- The orders of before are told once more, with their taxes and what was given back of them.
INSERT INTO history_told (until) SELECT now() + interval '1 hour' WHERE EXISTS (SELECT FROM orders)
ON CONFLICT (single) DO UPDATE SET last_id = 0, until = excluded.until;
