-- +goose Up

-- Without regular expressions, which take most of the time of counting a day.
CREATE OR REPLACE FUNCTION step_of(page text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN page = '/checkout' OR page LIKE '/checkout/%' THEN 3 WHEN page IN ('/cart', '/cart/') THEN 2
  WHEN page = '/product' OR page LIKE '/product/%' THEN 1 ELSE 0 END;
CREATE OR REPLACE FUNCTION source_of(url text, referrer text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(CASE WHEN url LIKE '%utm_source=%'
  THEN 'campaign:' || lower(substring(url FROM '[?&]utm_source=([[:alnum:]][^&#]{0,39})')) END, 'site:' || referrer);

-- Whether a buyer had ordered before is looked up for each order.
CREATE INDEX order_placed_member_at ON order_placed (member_id, at) WHERE member_id IS NOT NULL;
CREATE INDEX order_placed_code_at ON order_placed (pr_cd, at) WHERE pr_cd IS NOT NULL;
