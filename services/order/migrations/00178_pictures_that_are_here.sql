-- +goose Up

-- picture_here says whether pages can show a picture of a product: not while it is still to be fetched from the server
-- at which a file named it.
CREATE FUNCTION picture_here(of_product bigint, found_at text) RETURNS boolean LANGUAGE sql STABLE
RETURN found_at LIKE '/%' OR NOT EXISTS (SELECT FROM picture_fetch f WHERE f.product_id = of_product AND f.url = found_at
  AND f.state <> 'fetched');

CREATE OR REPLACE VIEW sku_any AS
SELECT s.id, s.product_id, s.color, s.size, s.description, s.stock, least(sale.price_cents, newest.price_cents) AS price_cents,
       CASE WHEN s.back_order THEN i.identifier ELSE coalesce(empty.identifier, i.identifier) END AS inventory_identifier,
       coalesce(empty.title, i.title) AS inventory_title,
       coalesce(empty.description, i.description) AS inventory_description,
       p.title AS product_title, p.title_url AS product_title_url, p.identifier AS product_identifier,
       coalesce((SELECT image_url FROM sku_image WHERE sku_id = s.id AND main_image AND picture_here(p.id, image_url)
                   ORDER BY id LIMIT 1),
                (SELECT image_url FROM product_image WHERE product_id = p.id AND picture_here(p.id, image_url)
                   ORDER BY main_image DESC, id LIMIT 1), '') AS image_url,
       on_sale(p) AS on_sale,
       CASE WHEN sale.price_cents < newest.price_cents THEN newest.price_cents END AS regular_cents
FROM sku s
JOIN product p ON p.id = s.product_id
JOIN sku_inventory i ON i.id = s.inventory_id
LEFT JOIN sku_inventory empty ON s.stock <= 0
  AND CASE WHEN s.back_order THEN empty.identifier = 'back-order' AND i.identifier = 'in-stock' ELSE empty.identifier = 'out-of-stock' END
JOIN LATERAL (SELECT price_cents FROM sku_price WHERE sku_id = s.id AND created_date_time <= now()
  ORDER BY created_date_time DESC, id DESC LIMIT 1) newest ON true
LEFT JOIN LATERAL (SELECT price_cents FROM sku_sale WHERE sku_id = s.id AND starts_at <= now() AND (ends_at IS NULL OR ends_at > now())
  ORDER BY starts_at DESC, id DESC LIMIT 1) sale ON true;
