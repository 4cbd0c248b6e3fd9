-- +goose Up

-- What a person signs in with. The secret of the authenticator app is encrypted; totp_step is the last
-- step of time whose code was used, so that no code is good twice.
ALTER TABLE person
  ADD COLUMN password    text,
  ADD COLUMN totp_secret bytea,
  ADD COLUMN totp_step   bigint NOT NULL DEFAULT 0,
  ADD COLUMN handle      uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE; -- the person, to authenticators

-- A passkey (WebAuthn), as go-webauthn keeps it.
CREATE TABLE passkey (
  id         bytea PRIMARY KEY,
  person_id  bigint NOT NULL REFERENCES person ON DELETE CASCADE,
  name       text NOT NULL,
  credential jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at    timestamptz
);
CREATE INDEX passkey_person ON passkey (person_id);

-- A code that stands for the second factor once; a keyed hash of it.
CREATE TABLE recovery_code (
  person_id bigint NOT NULL REFERENCES person ON DELETE CASCADE,
  hash      bytea NOT NULL,
  PRIMARY KEY (person_id, hash)
);

-- A ceremony with an authenticator that has begun; it ends with its first answer.
CREATE TABLE ceremony (
  hash       bytea PRIMARY KEY,
  person_id  bigint REFERENCES person ON DELETE CASCADE,
  purpose    text NOT NULL,
  data       jsonb NOT NULL,
  expires_at timestamptz NOT NULL
);

-- A session is full after all factors; before, it is good for the pages that ask for them.
ALTER TABLE session
  ADD COLUMN stage        text NOT NULL DEFAULT 'full' CHECK (stage IN ('second', 'enrol', 'full')),
  ADD COLUMN pending_totp bytea; -- a secret that is being set up, encrypted

-- Failed attempts by hashed subject (account, network), counted from the first one on.
CREATE TABLE guess (
  subject bytea PRIMARY KEY,
  n       integer NOT NULL,
  since   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX guess_since ON guess (since);

-- A token for the JSON face; its hash.
CREATE TABLE api_token (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id  bigint NOT NULL REFERENCES person ON DELETE CASCADE,
  name       text NOT NULL,
  hash       bytea NOT NULL UNIQUE,
  scopes     text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);
CREATE INDEX api_token_person ON api_token (person_id);

-- The accounts that user's command made while there was no sign-in move over, as owners.
-- +goose StatementBegin
DO $$
BEGIN
  IF to_regclass('"user".staff') IS NOT NULL THEN
    INSERT INTO person (username, name, roles, password)
    SELECT username, username, '{owner}', password FROM "user".staff ON CONFLICT ((lower(username))) DO NOTHING;
  END IF;
END
$$;
-- +goose StatementEnd
