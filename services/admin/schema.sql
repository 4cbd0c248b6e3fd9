-- What the migrations make. Generated: go test -run Schema -update

CREATE TABLE "api_token" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  person_id bigint NOT NULL,
  name text NOT NULL,
  hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  used_at timestamp with time zone,
  CONSTRAINT api_token_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id) ON DELETE CASCADE,
  CONSTRAINT api_token_pkey PRIMARY KEY (id),
  CONSTRAINT api_token_hash_key UNIQUE (hash)
);

CREATE TABLE "audit" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  at timestamp with time zone NOT NULL,
  person_id bigint NOT NULL,
  name text NOT NULL,
  token boolean NOT NULL,
  address text NOT NULL,
  service text NOT NULL,
  action text NOT NULL,
  kind text NOT NULL,
  key text NOT NULL,
  text text NOT NULL,
  CONSTRAINT audit_pkey PRIMARY KEY (id)
);

CREATE TABLE "audit_values" (
  audit_id bigint NOT NULL,
  before jsonb,
  after jsonb,
  CONSTRAINT audit_values_audit_id_fkey FOREIGN KEY (audit_id) REFERENCES audit(id),
  CONSTRAINT audit_values_pkey PRIMARY KEY (audit_id)
);

CREATE TABLE "ceremony" (
  hash bytea NOT NULL,
  person_id bigint,
  purpose text NOT NULL,
  data jsonb NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT ceremony_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id) ON DELETE CASCADE,
  CONSTRAINT ceremony_pkey PRIMARY KEY (hash)
);

CREATE TABLE "forgotten" (
  hash bytea NOT NULL,
  at timestamp with time zone NOT NULL,
  CONSTRAINT forgotten_pkey PRIMARY KEY (hash)
);

CREATE TABLE "guess" (
  subject bytea NOT NULL,
  n integer NOT NULL,
  since timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT guess_pkey PRIMARY KEY (subject)
);

CREATE TABLE "inbox" (
  consumer text NOT NULL,
  key text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  sequence bigint,
  published_at timestamp with time zone,
  attempt integer,
  trace text,
  CONSTRAINT inbox_pkey PRIMARY KEY (consumer, key)
);

CREATE TABLE "link" (
  hash bytea NOT NULL,
  person_id bigint NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT link_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id) ON DELETE CASCADE,
  CONSTRAINT link_pkey PRIMARY KEY (hash)
);

CREATE TABLE "outbox" (
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  key text NOT NULL,
  subject text NOT NULL,
  headers jsonb NOT NULL DEFAULT '{}'::jsonb,
  payload bytea NOT NULL,
  pending text[] NOT NULL DEFAULT '{}'::text[],
  attempts integer NOT NULL DEFAULT 0,
  next_at timestamp with time zone NOT NULL DEFAULT now(),
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT outbox_pkey PRIMARY KEY (seq),
  CONSTRAINT outbox_key_key UNIQUE (key)
);

CREATE TABLE "parked" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  consumer text NOT NULL,
  key text NOT NULL,
  subject text NOT NULL,
  headers jsonb NOT NULL DEFAULT '{}'::jsonb,
  payload bytea NOT NULL,
  reason text NOT NULL,
  attempts integer NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  resolved_at timestamp with time zone,
  resolved_by text,
  resolution text,
  note text,
  CONSTRAINT parked_resolution_check CHECK ((resolution = ANY (ARRAY['replayed'::text, 'dropped'::text]))),
  CONSTRAINT parked_pkey PRIMARY KEY (id),
  CONSTRAINT parked_consumer_key_key UNIQUE (consumer, key)
);

CREATE TABLE "passkey" (
  id bytea NOT NULL,
  person_id bigint NOT NULL,
  name text NOT NULL,
  credential jsonb NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  used_at timestamp with time zone,
  CONSTRAINT passkey_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id) ON DELETE CASCADE,
  CONSTRAINT passkey_pkey PRIMARY KEY (id)
);

CREATE TABLE "person" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  username text NOT NULL,
  name text NOT NULL,
  roles text[] NOT NULL DEFAULT '{}'::text[],
  disabled_at timestamp with time zone,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  password text,
  totp_secret bytea,
  totp_step bigint NOT NULL DEFAULT 0,
  handle uuid NOT NULL DEFAULT gen_random_uuid(),
  CONSTRAINT person_pkey PRIMARY KEY (id),
  CONSTRAINT person_handle_key UNIQUE (handle)
);

CREATE TABLE "recovery_code" (
  person_id bigint NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT recovery_code_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id) ON DELETE CASCADE,
  CONSTRAINT recovery_code_pkey PRIMARY KEY (person_id, hash)
);

CREATE TABLE "refused_sign_in" (
  person_id bigint NOT NULL,
  text text NOT NULL,
  minute timestamp with time zone NOT NULL DEFAULT date_trunc('minute'::text, now()),
  n integer NOT NULL DEFAULT 1,
  at timestamp with time zone NOT NULL DEFAULT now(),
  address text NOT NULL,
  CONSTRAINT refused_sign_in_pkey PRIMARY KEY (person_id, text, minute)
);

CREATE TABLE "session" (
  hash bytea NOT NULL,
  person_id bigint NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  seen_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  fresh_until timestamp with time zone,
  agent text NOT NULL DEFAULT ''::text,
  address text NOT NULL DEFAULT ''::text,
  stage text NOT NULL DEFAULT 'full'::text,
  pending_totp bytea,
  CONSTRAINT session_stage_check CHECK ((stage = ANY (ARRAY['second'::text, 'enrol'::text, 'full'::text]))),
  CONSTRAINT session_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id) ON DELETE CASCADE,
  CONSTRAINT session_pkey PRIMARY KEY (hash)
);

CREATE INDEX api_token_person ON admin.api_token USING btree (person_id);
CREATE INDEX audit_at ON admin.audit USING btree (at DESC, id DESC);
CREATE INDEX audit_person ON admin.audit USING btree (person_id, at DESC);
CREATE INDEX audit_thing ON admin.audit USING btree (kind, key, at DESC);
CREATE INDEX guess_since ON admin.guess USING btree (since);
CREATE INDEX inbox_at ON admin.inbox USING btree (at);
CREATE INDEX link_person ON admin.link USING btree (person_id);
CREATE INDEX outbox_next_at ON admin.outbox USING btree (next_at);
CREATE INDEX parked_open ON admin.parked USING btree (id) WHERE (resolved_at IS NULL);
CREATE INDEX passkey_person ON admin.passkey USING btree (person_id);
CREATE INDEX session_expires ON admin.session USING btree (expires_at);
CREATE INDEX session_person ON admin.session USING btree (person_id);
CREATE UNIQUE INDEX person_username ON admin.person USING btree (lower(username));

CREATE OR REPLACE FUNCTION admin.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'the log of what the staff did is not changed' USING ERRCODE = 'insufficient_privilege';
END
$function$
;

CREATE TRIGGER audit_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON admin.audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_values_stay BEFORE UPDATE ON admin.audit_values FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
