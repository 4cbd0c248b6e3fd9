-- +goose Up

-- Of the pieces that a refund put back on the shelf, how many left it again when the refund came to nothing and its
-- order was to be sent with them after all.
ALTER TABLE refund_line ADD COLUMN taken_back integer NOT NULL DEFAULT 0;
