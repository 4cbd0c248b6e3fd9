-- +goose Up

-- A parked mail that staff have seen to without sending it, and why.
ALTER TABLE delivery ADD COLUMN seen_at timestamptz, ADD COLUMN seen_by text, ADD COLUMN note text;
