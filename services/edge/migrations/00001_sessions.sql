-- +goose Up

-- Login sessions. The token itself is only in the shopper's cookie.
CREATE TABLE session (
  token_hash bytea PRIMARY KEY,
  -- The hash before the last password change: the message about that change names it as the one to keep.
  previous_hash bytea,
  member_id bigint NOT NULL,
  -- What pages show of the member, copied at login and kept fresh by user's messages.
  username text NOT NULL,
  first_name text NOT NULL,
  last_name text NOT NULL,
  email text NOT NULL,
  code text NOT NULL,
  profile_version bigint NOT NULL DEFAULT 0,
  -- Whether the cookie outlives the browser.
  remember boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);

CREATE INDEX session_member ON session (member_id);
CREATE INDEX session_expires ON session (expires_at);
