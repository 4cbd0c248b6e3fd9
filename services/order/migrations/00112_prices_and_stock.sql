-- +goose Up

ALTER TABLE product
  ADD COLUMN sku_version int NOT NULL DEFAULT 1,                                  -- of its SKUs as staff edit them
  ADD COLUMN color_name  text NOT NULL DEFAULT '' CHECK (length(color_name) <= 40),  -- what sku.color is here, such as Material; empty: Colour
  ADD COLUMN size_name   text NOT NULL DEFAULT '' CHECK (length(size_name) <= 40);   -- the same of sku.size

ALTER TABLE sku
  ADD COLUMN code       text CHECK (length(code) BETWEEN 1 AND 100),  -- the shop's own article number
  ADD COLUMN back_order boolean NOT NULL DEFAULT false;               -- sold beyond what is counted; stock goes below 0 then
CREATE UNIQUE INDEX sku_code ON sku (code);
ALTER TABLE sku DROP CONSTRAINT sku_stock_check;
ALTER TABLE sku ADD CONSTRAINT sku_stock_check CHECK (stock >= 0 OR back_order);

-- A price holds from its time on, which may be in the future. Who set it, and when, stays with it.
ALTER TABLE sku_price
  ADD COLUMN by_name  text NOT NULL DEFAULT '',
  ADD COLUMN noted_at timestamptz NOT NULL DEFAULT now() CHECK (isfinite(noted_at));
CREATE INDEX sku_price_planned ON sku_price (created_date_time) WHERE created_date_time > noted_at;

-- A lower price for a time. The regular price is shown beside it.
CREATE TABLE sku_sale (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku_id      bigint NOT NULL REFERENCES sku ON DELETE CASCADE,
  price_cents bigint NOT NULL CHECK (price_cents BETWEEN 1 AND 99999999),
  starts_at   timestamptz NOT NULL CHECK (isfinite(starts_at)),
  ends_at     timestamptz CHECK (isfinite(ends_at) AND ends_at >= starts_at),  -- null: until it is ended
  by_name     text NOT NULL DEFAULT '',
  noted_at    timestamptz NOT NULL DEFAULT now() CHECK (isfinite(noted_at))
);
CREATE INDEX sku_sale_of ON sku_sale (sku_id, starts_at DESC, id DESC);
CREATE INDEX sku_sale_planned ON sku_sale (starts_at) WHERE starts_at > noted_at;
CREATE INDEX sku_sale_ends ON sku_sale (ends_at) WHERE ends_at IS NOT NULL;

-- What staff did to a count of stock. Purchases, refunds and held pieces are told by their own tables.
CREATE TABLE stock_change (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku_id    bigint NOT NULL REFERENCES sku ON DELETE CASCADE,
  change    int,                        -- null: counting began or ended
  stock     int,                        -- after it; null: not counted
  reason    text NOT NULL CHECK (reason IN ('counted', 'received', 'returned', 'damaged', 'sold-elsewhere', 'correction', 'import')),
  note      text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
  by_person bigint NOT NULL DEFAULT 0,
  by_name   text NOT NULL,
  at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stock_change_of ON stock_change (sku_id, id DESC);

-- What the shop says of a SKU of which none is left, and which is sold all the same.
INSERT INTO sku_inventory (identifier, title, description) VALUES
  ('back-order', 'On back order', 'Sold out for the moment. Order it now, and it is sent as soon as new ones are here.')
ON CONFLICT DO NOTHING;

CREATE OR REPLACE VIEW sku_any AS
SELECT s.id, s.product_id, s.color, s.size, s.description, s.stock, least(sale.price_cents, newest.price_cents) AS price_cents,
       CASE WHEN s.back_order THEN i.identifier ELSE coalesce(empty.identifier, i.identifier) END AS inventory_identifier,
       coalesce(empty.title, i.title) AS inventory_title,
       coalesce(empty.description, i.description) AS inventory_description,
       p.title AS product_title, p.title_url AS product_title_url, p.identifier AS product_identifier,
       coalesce((SELECT image_url FROM sku_image WHERE sku_id = s.id AND main_image ORDER BY id LIMIT 1),
                (SELECT image_url FROM product_image WHERE product_id = p.id AND main_image), '') AS image_url,
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

-- A count that goes down shows only when it reaches nothing, or leaves it; on back order it may be less than nothing.
DROP TRIGGER catalog_changed ON sku;
DROP TRIGGER catalog_noted ON sku;
CREATE TRIGGER catalog_changed AFTER UPDATE ON sku FOR EACH ROW
  WHEN ((OLD.product_id, OLD.inventory_id, OLD.color, OLD.size, OLD.description, OLD.back_order)
          IS DISTINCT FROM (NEW.product_id, NEW.inventory_id, NEW.color, NEW.size, NEW.description, NEW.back_order)
        OR (OLD.stock <= 0) IS DISTINCT FROM (NEW.stock <= 0))
  EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_noted AFTER UPDATE ON sku FOR EACH ROW
  WHEN ((OLD.product_id, OLD.inventory_id, OLD.color, OLD.size, OLD.description, OLD.back_order)
          IS DISTINCT FROM (NEW.product_id, NEW.inventory_id, NEW.color, NEW.size, NEW.description, NEW.back_order)
        OR (OLD.stock <= 0) IS DISTINCT FROM (NEW.stock <= 0))
  EXECUTE FUNCTION catalog_sku_noted();
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE ON sku_sale FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_noted_new AFTER INSERT ON sku_sale REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON sku_sale REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON sku_sale REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
ALTER TABLE sku_inventory ADD COLUMN version int NOT NULL DEFAULT 1;
