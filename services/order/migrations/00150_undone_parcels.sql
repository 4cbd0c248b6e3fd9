-- +goose Up

-- The last act of staff on an order: who is too late with another one is told of it.
ALTER TABLE orders ADD COLUMN acted_at   timestamptz;
ALTER TABLE orders ADD COLUMN acted_by   text NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN acted_what text NOT NULL DEFAULT '';

-- Parcels that staff took back before the customer was told of them.
CREATE TABLE shipment_undone (
  id              text PRIMARY KEY,                -- the shipment's
  order_id        bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  carrier         text NOT NULL,
  tracking_number text NOT NULL,
  shipped_at      timestamptz NOT NULL,
  shipped_by      text NOT NULL,
  undone_at       timestamptz NOT NULL DEFAULT now(),
  by_person       bigint NOT NULL DEFAULT 0,       -- of the back office; 0 for a command
  by_name         text NOT NULL
);
CREATE INDEX shipment_undone_order ON shipment_undone (order_id);
