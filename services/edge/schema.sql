-- What the migrations make. Generated: go test -run Schema -update

CREATE TABLE "credentials" (
  member_id bigint NOT NULL,
  changed_at timestamp with time zone NOT NULL,
  CONSTRAINT credentials_pkey PRIMARY KEY (member_id)
);

CREATE TABLE "forgotten" (
  hash bytea NOT NULL,
  at timestamp with time zone NOT NULL,
  CONSTRAINT forgotten_pkey PRIMARY KEY (hash)
);

CREATE TABLE "guess" (
  key bytea NOT NULL,
  at timestamp with time zone[] NOT NULL,
  until timestamp with time zone NOT NULL,
  CONSTRAINT guess_pkey PRIMARY KEY (key)
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

CREATE TABLE "session" (
  token_hash bytea NOT NULL,
  previous_hash bytea,
  member_id bigint NOT NULL,
  username text NOT NULL,
  first_name text NOT NULL,
  last_name text NOT NULL,
  email text NOT NULL,
  code text NOT NULL,
  profile_version bigint NOT NULL DEFAULT 0,
  remember boolean NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  seen_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  device text NOT NULL DEFAULT ''::text,
  place text NOT NULL DEFAULT ''::text,
  CONSTRAINT session_pkey PRIMARY KEY (token_hash)
);

CREATE INDEX inbox_at ON edge.inbox USING btree (at);
CREATE INDEX outbox_next_at ON edge.outbox USING btree (next_at);
CREATE INDEX parked_open ON edge.parked USING btree (id) WHERE (resolved_at IS NULL);
CREATE INDEX session_expires ON edge.session USING btree (expires_at);
CREATE INDEX session_member ON edge.session USING btree (member_id);
