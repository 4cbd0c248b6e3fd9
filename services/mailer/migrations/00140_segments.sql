-- +goose Up

-- Whom of its audience a campaign goes to: all conditions that are set hold for each receiver. Orders are order's and
-- tags user's, which are asked when the receivers are fixed.
ALTER TABLE campaign
  ADD COLUMN bought     text NOT NULL DEFAULT '', -- identifier of a product, or number or code of a SKU
  ADD COLUMN idle_days  int NOT NULL DEFAULT 0,   -- bought before, but not within so many days; 0: whenever
  ADD COLUMN spent_over bigint,                   -- cents, without what was refunded; null: whatever
  ADD COLUMN tag        text NOT NULL DEFAULT '';
