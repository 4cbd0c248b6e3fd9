-- +goose Up

-- Pictures that a file of products named at another server. Each is fetched into the shop's own store, and takes the
-- place of the address that the product has until then.
CREATE TABLE picture_fetch (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  import_id  bigint REFERENCES catalog_import (id) ON DELETE SET NULL,
  product_id bigint NOT NULL REFERENCES product (id) ON DELETE CASCADE,
  url        text NOT NULL,
  state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'fetched', 'failed')),
  address    text, -- of ours, once it is fetched
  trouble    text NOT NULL DEFAULT '', -- of the last try, in words for staff
  tries      integer NOT NULL DEFAULT 0,
  due        timestamptz NOT NULL DEFAULT now(), -- of the next try; who takes a row puts it off
  UNIQUE (product_id, url)
);
CREATE INDEX picture_fetch_import ON picture_fetch (import_id);
CREATE INDEX picture_fetch_due ON picture_fetch (due) WHERE state = 'waiting';
