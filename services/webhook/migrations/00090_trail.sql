-- +goose Up

-- What an event is about, for the trail of an order: the session, refund or dispute, and its payment intent. Events of
-- before are found by their id alone.
ALTER TABLE event ADD COLUMN object text, ADD COLUMN payment text, ADD COLUMN paid boolean NOT NULL DEFAULT false;
CREATE INDEX event_object ON event (object) WHERE object IS NOT NULL;
CREATE INDEX event_payment ON event (payment) WHERE payment IS NOT NULL;

-- Deliveries that were refused, the newest thousands, one a second at most: anyone can send some. What they say of
-- themselves is not proved.
CREATE TABLE refused (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at     timestamptz NOT NULL DEFAULT now(),
  event  text,                          -- the id that it claims to have
  reason text NOT NULL,                 -- invalid-signature, invalid-payload
  bytes  integer NOT NULL
);
CREATE INDEX refused_event ON refused (event) WHERE event IS NOT NULL;
