-- +goose Up

-- Tracking numbers are found in capitals or not.
CREATE INDEX orders_tracking_any ON orders (lower(tracking_number) text_pattern_ops) WHERE tracking_number IS NOT NULL;
CREATE INDEX shipment_tracking_any ON shipment (lower(tracking_number) text_pattern_ops) WHERE tracking_number <> '';

-- Stripe's event that an order came of; none where the shop asked Stripe by itself.
ALTER TABLE orders ADD COLUMN event_id text;
CREATE INDEX orders_event ON orders (event_id) WHERE event_id IS NOT NULL;
