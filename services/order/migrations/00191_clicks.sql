-- +goose Up

-- The keys of the last clicks that put pieces in: one that comes again, since a process died before it could answer, adds none.
ALTER TABLE cart_line ADD COLUMN clicks text[] NOT NULL DEFAULT '{}';
