-- +goose Up

-- A file of products that someone of the staff brought: checked, then applied whole, and taken back within a day.
CREATE TABLE catalog_import (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  file       text NOT NULL CHECK (length(file) <= 200),
  body       bytea,                              -- gzip; null when the time for it is over
  state      text NOT NULL DEFAULT 'checked' CHECK (state IN ('checked', 'applied', 'undone')),
  summary    jsonb NOT NULL,
  before     jsonb,                              -- what it changed, for taking it back; null when the time for it is over
  by_person  bigint NOT NULL DEFAULT 0,
  by_name    text NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  applied_at timestamptz,
  undone_at  timestamptz
);
CREATE INDEX catalog_import_kept ON catalog_import (at) WHERE body IS NOT NULL OR before IS NOT NULL;
