-- +goose Up

-- Unsubscribe tokens that were replaced: links in mails that are out go on working.
CREATE TABLE former_token (
  hash        bytea PRIMARY KEY,              -- SHA-256 of the token
  member_id   bigint REFERENCES account ON DELETE CASCADE,
  prospect_id bigint REFERENCES prospect ON DELETE CASCADE,
  spent       boolean NOT NULL,               -- it has unsubscribed its owner, who got another one with the answer
  replaced    timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(member_id, prospect_id) = 1)
);
CREATE INDEX former_token_member ON former_token (member_id);
CREATE INDEX former_token_prospect ON former_token (prospect_id);
