-- +goose Up

-- Members whose accounts are closed, and the member who has what was theirs. What comes in for the former one a moment
-- later goes the same way.
CREATE TABLE merged_member (
  id      bigint PRIMARY KEY,
  into_id bigint NOT NULL,
  at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX merged_member_into ON merged_member (into_id);
CREATE INDEX merged_member_at ON merged_member (at);
