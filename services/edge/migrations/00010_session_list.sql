-- +goose Up

-- What the account page shows of a session: the browser and its system in words, and the network that
-- it was last seen in, too coarse to name a person.
ALTER TABLE session ADD COLUMN device text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN place text NOT NULL DEFAULT '';
