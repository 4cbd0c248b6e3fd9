-- +goose Up

-- The list for staff goes from the newest order down.
CREATE INDEX orders_placed ON orders (placed_at DESC, id DESC);
