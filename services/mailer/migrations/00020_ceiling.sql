-- +goose Up

-- A mail that the ceiling of its receivers held back is kept as suppressed; one of a newsletter that
-- staff stopped for now is paused.
ALTER TABLE delivery DROP CONSTRAINT delivery_state_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_state_check CHECK (state IN ('queued', 'sent', 'parked', 'suppressed', 'paused'));
ALTER TABLE delivery ADD COLUMN left_out text[] NOT NULL DEFAULT '{}'; -- of to_hashes: receivers that get none, though others do
CREATE INDEX delivery_suppressed ON delivery (done_at) WHERE state = 'suppressed';

-- What counts against the ceiling: one row for each mail to an address, for a day.
CREATE TABLE room (
  hash text NOT NULL,        -- of what is counted for: an address, a mailbox, an address and its member; keyed with the shop's secret
  at   timestamptz NOT NULL
);
CREATE INDEX room_hash ON room (hash, at);
CREATE INDEX room_at ON room (at);
