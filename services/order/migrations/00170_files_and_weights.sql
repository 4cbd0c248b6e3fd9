-- +goose Up

-- Counts that an applied file changed by the difference to what they were when the file was made: the same difference
-- is not applied twice, however the file was saved in between.
CREATE TABLE catalog_import_count (
  import_id bigint NOT NULL REFERENCES catalog_import (id) ON DELETE CASCADE,
  sku_id    bigint NOT NULL,
  was       integer NOT NULL, -- when the file was made
  count     integer NOT NULL, -- as the file says
  PRIMARY KEY (sku_id, import_id)
);
CREATE INDEX catalog_import_count_import ON catalog_import_count (import_id);

-- Weights are set many at once: the version of a weight is above those that a form could have shown before it was set.
ALTER TABLE sku ADD COLUMN weight_version bigint NOT NULL DEFAULT 0;
ALTER TABLE sku ADD COLUMN weighed_at timestamptz;
ALTER TABLE sku ADD COLUMN weighed_by text NOT NULL DEFAULT '';
