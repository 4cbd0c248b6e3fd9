-- +goose Up

-- How a message came, for the trail of an order: where the broker keeps it, since when, at which delivery it was
-- handled, and the trace that it belongs to. The stream is the consumer's. Rows of before have none of it.
ALTER TABLE inbox ADD COLUMN sequence bigint, ADD COLUMN published_at timestamptz, ADD COLUMN attempt integer,
  ADD COLUMN trace text;
