-- +goose Up

-- A person of the staff. Roles are those of pkg/adminui; what a role may do is in its table.
CREATE TABLE person (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username    text NOT NULL,
  name        text NOT NULL,
  roles       text[] NOT NULL DEFAULT '{}',
  disabled_at timestamptz,
  version     bigint NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX person_username ON person (lower(username));

-- A link that signs a person in once. Only its hash is kept.
CREATE TABLE link (
  hash       bytea PRIMARY KEY,
  person_id  bigint NOT NULL REFERENCES person ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX link_person ON link (person_id);

-- A session; the browser has its token, the hash is kept.
CREATE TABLE session (
  hash        bytea PRIMARY KEY,
  person_id   bigint NOT NULL REFERENCES person ON DELETE CASCADE,
  created_at  timestamptz NOT NULL DEFAULT now(),
  seen_at     timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL,
  fresh_until timestamptz,
  agent       text NOT NULL DEFAULT '',
  address     text NOT NULL DEFAULT ''
);
CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_expires ON session (expires_at);

-- What the staff did. Rows are added and never changed: by a trigger, for every role, and by grants.
CREATE TABLE audit (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at        timestamptz NOT NULL,
  person_id bigint NOT NULL,
  name      text NOT NULL,
  token     boolean NOT NULL,
  address   text NOT NULL,
  service   text NOT NULL,
  action    text NOT NULL,
  kind      text NOT NULL,
  key       text NOT NULL,
  text      text NOT NULL
);
CREATE INDEX audit_at ON audit (at DESC, id DESC);
CREATE INDEX audit_thing ON audit (kind, key, at DESC);
CREATE INDEX audit_person ON audit (person_id, at DESC);

-- The values before and after, apart: they may be a customer's, who can ask for their erasure.
CREATE TABLE audit_values (
  audit_id bigint PRIMARY KEY REFERENCES audit,
  before   jsonb,
  after    jsonb
);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the log of what the staff did is not changed' USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_values_stay BEFORE UPDATE ON audit_values FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_admin') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM shop_admin;
    REVOKE UPDATE, TRUNCATE ON audit_values FROM shop_admin;
  END IF;
END
$$;
-- +goose StatementEnd
