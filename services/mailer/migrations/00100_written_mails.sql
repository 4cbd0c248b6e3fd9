-- +goose Up

-- What a mail says, as it was first written: every attempt sends it again, and pages for staff show it. Personal,
-- so it goes with the payload.
ALTER TABLE delivery
  ADD COLUMN written          bytea,
  ADD COLUMN subject          text,
  ADD COLUMN order_identifier text,   -- of the order that it is about
  ADD COLUMN again_of         bigint; -- the mail that staff had sent once more

-- encode takes whatever bytes a payload has.
UPDATE delivery SET order_identifier = substring(encode(payload, 'escape') from '"identifier":"([A-Za-z0-9_-]{1,64})"')
WHERE payload IS NOT NULL AND kind LIKE 'order-%';

CREATE INDEX delivery_order ON delivery (order_identifier) WHERE order_identifier IS NOT NULL;
CREATE INDEX delivery_open ON delivery (state, id) WHERE state <> 'sent';
CREATE INDEX delivery_kind ON delivery (kind, id);
