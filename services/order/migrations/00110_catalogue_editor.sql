-- +goose Up

-- What the editor of the catalogue says of a product. Its texts and its pictures have versions of their own, so that
-- two people who edit the one and the other do not meet.
ALTER TABLE product
  ADD COLUMN published     boolean NOT NULL DEFAULT true,          -- false: a draft
  ADD COLUMN on_sale_from  timestamptz CHECK (isfinite(on_sale_from)),   -- null: at once
  ADD COLUMN on_sale_until timestamptz CHECK (isfinite(on_sale_until)),  -- null: for ever
  ADD COLUMN retired_at    timestamptz CHECK (isfinite(retired_at)),     -- taken off the shop for good, and kept for its orders
  ADD COLUMN version       int NOT NULL DEFAULT 1,                 -- of texts, times and collections
  ADD COLUMN media_version int NOT NULL DEFAULT 1,                 -- of pictures and videos
  ADD COLUMN edited_by     text NOT NULL DEFAULT '',
  ADD COLUMN edited_at     timestamptz NOT NULL DEFAULT now() CHECK (isfinite(edited_at));
CREATE INDEX product_on_sale_from ON product (on_sale_from) WHERE on_sale_from IS NOT NULL;
CREATE INDEX product_on_sale_until ON product (on_sale_until) WHERE on_sale_until IS NOT NULL;

-- Whether shoppers see a product now. PostgreSQL puts the condition into the queries that call it.
CREATE FUNCTION on_sale(p product) RETURNS boolean LANGUAGE sql STABLE
RETURN p.published AND p.retired_at IS NULL AND (p.on_sale_from IS NULL OR p.on_sale_from <= now())
  AND (p.on_sale_until IS NULL OR p.on_sale_until > now());

-- What screen readers say of a picture, where that is not its caption.
ALTER TABLE product_image ADD COLUMN alternative_text text NOT NULL DEFAULT '' CHECK (length(alternative_text) <= 500);
ALTER TABLE sku_image ADD COLUMN alternative_text text NOT NULL DEFAULT '' CHECK (length(alternative_text) <= 500);

-- Each address that a product has or had (product.title_url): old links lead on, and no other product takes it.
CREATE TABLE product_address (
  address    text PRIMARY KEY CHECK (length(address) BETWEEN 1 AND 100),
  product_id bigint NOT NULL REFERENCES product ON DELETE CASCADE
);
CREATE INDEX product_address_product ON product_address (product_id);
INSERT INTO product_address (address, product_id)
SELECT title_url, min(id) FROM product WHERE title_url <> '' GROUP BY title_url;

ALTER TABLE collection ADD COLUMN version int NOT NULL DEFAULT 1;

-- A SKU as it stands now, of any product that there is: newest price, stock state (none left is out of stock, whatever
-- its state says), and the picture for a cart line.
CREATE VIEW sku_any AS
SELECT s.id, s.product_id, s.color, s.size, s.description, s.stock, newest.price_cents,
       coalesce(empty.identifier, i.identifier) AS inventory_identifier,
       coalesce(empty.title, i.title) AS inventory_title,
       coalesce(empty.description, i.description) AS inventory_description,
       p.title AS product_title, p.title_url AS product_title_url, p.identifier AS product_identifier,
       coalesce((SELECT image_url FROM sku_image WHERE sku_id = s.id AND main_image ORDER BY id LIMIT 1),
                (SELECT image_url FROM product_image WHERE product_id = p.id AND main_image), '') AS image_url,
       on_sale(p) AS on_sale
FROM sku s
JOIN product p ON p.id = s.product_id
JOIN sku_inventory i ON i.id = s.inventory_id
LEFT JOIN sku_inventory empty ON s.stock = 0 AND empty.identifier = 'out-of-stock'
JOIN LATERAL (SELECT price_cents FROM sku_price WHERE sku_id = s.id ORDER BY created_date_time DESC, id DESC LIMIT 1) newest ON true;

-- Every SKU that shoppers see.
CREATE OR REPLACE VIEW sku_now AS
SELECT id, product_id, color, size, description, stock, price_cents, inventory_identifier, inventory_title,
       inventory_description, product_title, product_title_url, product_identifier, image_url
FROM sku_any WHERE on_sale;

-- Until when edge was told of what changes by the clock alone: a product that comes on sale, or goes off.
CREATE TABLE catalog_clock (
  id      boolean PRIMARY KEY DEFAULT true CHECK (id),
  told_to timestamptz NOT NULL DEFAULT now() CHECK (isfinite(told_to))
);
INSERT INTO catalog_clock DEFAULT VALUES;
