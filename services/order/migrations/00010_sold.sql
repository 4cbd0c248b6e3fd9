-- +goose Up

-- An order line keeps what was sold: the live catalogue may go on to whatever it likes, and has no say
-- in whether a payment becomes an order. Old lines get what their quote says.
ALTER TABLE order_line
  ADD COLUMN product_title      text,
  ADD COLUMN product_title_url  text,
  ADD COLUMN product_identifier text,
  ADD COLUMN color              text,
  ADD COLUMN size               text,
  ADD COLUMN description        text,
  DROP CONSTRAINT order_line_sku_id_fkey;

UPDATE order_line l
SET product_title = q->>'parent_product__title', product_title_url = q->>'parent_product__title_url', product_identifier = q->>'parent_product__identifier',
    color = q->>'color', size = q->>'size', description = q->>'description'
FROM orders o
JOIN checkout c ON c.id = o.checkout_id
CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(c.quote->'lines') WHEN 'array' THEN c.quote->'lines' ELSE '[]' END) AS q
WHERE o.id = l.order_id AND q->>'sku_id' = l.sku_id::text;

-- A SKU that was ever in a quote is not deleted any more but retired, also in psql: orders, carts and
-- reservations name it. Without a product it is for staff's eyes only.
ALTER TABLE sku
  ADD COLUMN quoted_at  timestamptz,  -- when it was first in a quote; null: never
  ADD COLUMN retired_at timestamptz;  -- when it was deleted, as far as shoppers can see

UPDATE sku SET quoted_at = now()
WHERE id IN (SELECT sku_id FROM order_line UNION SELECT sku_id FROM reservation)
   OR id::text IN (SELECT q->>'sku_id' FROM checkout c
                   CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(c.quote->'lines') WHEN 'array' THEN c.quote->'lines' ELSE '[]' END) AS q);

-- +goose StatementBegin
CREATE FUNCTION retire_sku() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.quoted_at IS NULL THEN
    RETURN OLD;
  END IF;
  UPDATE sku SET product_id = NULL, retired_at = coalesce(retired_at, now()) WHERE id = OLD.id;
  RAISE NOTICE 'SKU % was in a quote: it is retired instead of deleted', OLD.id;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER retire_sku BEFORE DELETE ON sku FOR EACH ROW EXECUTE FUNCTION retire_sku();
