-- +goose Up

-- Whom this service was told to forget, so that a message that was under way meanwhile does not
-- bring anybody back. Hashes, for as long as such a message may come.
CREATE TABLE forgotten (
  hash bytea PRIMARY KEY,        -- sha256 of an address in lower case, a code, or kind:id
  at   timestamptz NOT NULL      -- what is newer than this is a new beginning
);
