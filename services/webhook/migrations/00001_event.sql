-- +goose Up

-- Every event that Stripe sent with a right signature, as it came: the record from which messages
-- can be replayed. It is written together with the event's outbox row.
CREATE TABLE event (
  id          text PRIMARY KEY,                    -- Stripe's evt_…: a repeat is the same row
  type        text NOT NULL,
  api_version text,
  created     timestamptz,                         -- when Stripe made it, if it said so
  received    timestamptz NOT NULL DEFAULT now(),
  payload     bytea NOT NULL                       -- the raw body, byte for byte
);
CREATE INDEX event_received ON event (received);
