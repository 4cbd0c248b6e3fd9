-- +goose Up

-- Wrong guesses of the last day, for limits whose pauses grow (services/edge/limits). The key is a
-- keyed hash of what is counted, an account with a client address for instance. Not logged: what a
-- crash of the database loses is a day's counting, and no login waits for a disk because of it.
CREATE UNLOGGED TABLE guess (
  key   bytea PRIMARY KEY,
  at    timestamptz[] NOT NULL,
  until timestamptz NOT NULL
);
