-- +goose Up

-- When a member's password last changed, for as long as a login that was checked before may be on its
-- way: the session that it opens would outlive the change.
CREATE TABLE credentials (
  member_id  bigint PRIMARY KEY,
  changed_at timestamptz NOT NULL
);
