-- +goose Up

-- What became of a parked message, and why, in the words of the one who saw to it.
ALTER TABLE parked ADD COLUMN resolution text CHECK (resolution IN ('replayed', 'dropped')), ADD COLUMN note text;

-- Few rows are open, and pages and metrics ask for them all the time.
CREATE INDEX parked_open ON parked (id) WHERE resolved_at IS NULL;
