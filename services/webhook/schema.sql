-- What the migrations make. Generated: go test -run Schema -update

CREATE TABLE "event" (
  id text NOT NULL,
  type text NOT NULL,
  api_version text,
  created timestamp with time zone,
  received timestamp with time zone NOT NULL DEFAULT now(),
  payload bytea NOT NULL,
  marks bigint[],
  object text,
  payment text,
  paid boolean NOT NULL DEFAULT false,
  CONSTRAINT event_pkey PRIMARY KEY (id)
);

CREATE TABLE "forgotten" (
  hash bytea NOT NULL,
  at timestamp with time zone NOT NULL,
  CONSTRAINT forgotten_pkey PRIMARY KEY (hash)
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

CREATE TABLE "refused" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  at timestamp with time zone NOT NULL DEFAULT now(),
  event text,
  reason text NOT NULL,
  bytes integer NOT NULL,
  CONSTRAINT refused_pkey PRIMARY KEY (id)
);

CREATE INDEX event_marks ON webhook.event USING gin (marks);
CREATE INDEX event_object ON webhook.event USING btree (object) WHERE (object IS NOT NULL);
CREATE INDEX event_payment ON webhook.event USING btree (payment) WHERE (payment IS NOT NULL);
CREATE INDEX event_received ON webhook.event USING btree (received);
CREATE INDEX event_unmarked ON webhook.event USING btree (id) WHERE (marks IS NULL);
CREATE INDEX inbox_at ON webhook.inbox USING btree (at);
CREATE INDEX outbox_next_at ON webhook.outbox USING btree (next_at);
CREATE INDEX parked_open ON webhook.parked USING btree (id) WHERE (resolved_at IS NULL);
CREATE INDEX refused_event ON webhook.refused USING btree (event) WHERE (event IS NOT NULL);
