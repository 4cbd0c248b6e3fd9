-- +goose Up

-- Who was told that a SKU can be had again, for as long as the mail may be on its way: when the SKU is sold out before
-- it leaves, the mail is held and the person waits again.
CREATE TABLE restock_told (
  id      bigint PRIMARY KEY, -- of the wish, and in the key of the mail
  sku_id  bigint NOT NULL REFERENCES sku (id) ON DELETE CASCADE,
  email   text NOT NULL,
  address text NOT NULL,
  at      timestamptz NOT NULL, -- of the wish
  told_at timestamptz NOT NULL DEFAULT now(),
  held    boolean NOT NULL DEFAULT false
);
CREATE INDEX restock_told_email ON restock_told (lower(email));
CREATE INDEX restock_told_at ON restock_told (told_at);
CREATE INDEX restock_told_sku ON restock_told (sku_id);
