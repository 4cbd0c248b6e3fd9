-- +goose Up

-- Two people may change these at once: a form knows the version that it showed.
ALTER TABLE configuration ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE ad ADD COLUMN version bigint NOT NULL DEFAULT 1,
  ADD COLUMN title varchar(100) NOT NULL DEFAULT '', -- for people; the first headline stands for it when empty
  ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX order_placed_ad ON order_placed (source, at) WHERE source LIKE 'ad:%';
