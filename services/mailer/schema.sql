-- What the migrations make. Generated: go test -run Schema -update

CREATE TABLE "bounce_mailbox" (
  name text NOT NULL,
  validity bigint NOT NULL,
  uid bigint NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT bounce_mailbox_pkey PRIMARY KEY (name)
);

CREATE TABLE "bounced" (
  hash text NOT NULL,
  code integer NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  late boolean NOT NULL DEFAULT false,
  CONSTRAINT bounced_pkey PRIMARY KEY (hash)
);

CREATE TABLE "campaign" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  em_cd text NOT NULL DEFAULT "left"(replace((gen_random_uuid())::text, '-'::text, ''::text), 20),
  name text NOT NULL,
  audience text NOT NULL,
  subject text NOT NULL,
  body_text text NOT NULL,
  body_html text NOT NULL,
  from_address text NOT NULL DEFAULT ''::text,
  pace integer NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'draft'::text,
  start_at timestamp with time zone,
  receivers integer NOT NULL DEFAULT 0,
  started_at timestamp with time zone,
  paused_at timestamp with time zone,
  ended_at timestamp with time zone,
  version bigint NOT NULL DEFAULT 1,
  changed_by text NOT NULL,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  bought text NOT NULL DEFAULT ''::text,
  idle_days integer NOT NULL DEFAULT 0,
  spent_over bigint,
  tag text NOT NULL DEFAULT ''::text,
  problem text NOT NULL DEFAULT ''::text,
  CONSTRAINT campaign_audience_check CHECK ((audience = ANY (ARRAY['members'::text, 'prospects'::text, 'both'::text]))),
  CONSTRAINT campaign_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'scheduled'::text, 'running'::text, 'paused'::text, 'stopped'::text, 'ended'::text]))),
  CONSTRAINT campaign_pkey PRIMARY KEY (id),
  CONSTRAINT campaign_em_cd_key UNIQUE (em_cd)
);

CREATE TABLE "campaign_count" (
  campaign_id bigint NOT NULL,
  shard integer NOT NULL,
  accepted bigint NOT NULL DEFAULT 0,
  bounced bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  suppressed bigint NOT NULL DEFAULT 0,
  dropped bigint NOT NULL DEFAULT 0,
  unsubscribed bigint NOT NULL DEFAULT 0,
  CONSTRAINT campaign_count_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES campaign(id),
  CONSTRAINT campaign_count_pkey PRIMARY KEY (campaign_id, shard)
);

CREATE TABLE "delivery" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  key text NOT NULL,
  kind text NOT NULL,
  payload bytea,
  to_hashes text[] NOT NULL,
  member_id bigint,
  prospect_code text,
  em_cd text,
  message_id text NOT NULL,
  state text NOT NULL DEFAULT 'queued'::text,
  attempts integer NOT NULL DEFAULT 0,
  refusals integer NOT NULL DEFAULT 0,
  maybe boolean NOT NULL DEFAULT false,
  outage boolean NOT NULL DEFAULT false,
  claimed_by integer,
  claimed_until timestamp with time zone,
  next_at timestamp with time zone NOT NULL DEFAULT now(),
  deadline timestamp with time zone NOT NULL,
  smtp_reply text,
  reason text,
  created_at timestamp with time zone NOT NULL,
  queued_at timestamp with time zone NOT NULL DEFAULT now(),
  done_at timestamp with time zone,
  left_out text[] NOT NULL DEFAULT '{}'::text[],
  newsletter_id bigint,
  seen_at timestamp with time zone,
  seen_by text,
  note text,
  written bytea,
  subject text,
  order_identifier text,
  again_of bigint,
  bounced text[] NOT NULL DEFAULT '{}'::text[],
  bounce_status text,
  CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'parked'::text, 'suppressed'::text, 'paused'::text]))),
  CONSTRAINT delivery_newsletter_id_fkey FOREIGN KEY (newsletter_id) REFERENCES newsletter(id),
  CONSTRAINT delivery_pkey PRIMARY KEY (id),
  CONSTRAINT delivery_key_key UNIQUE (key),
  CONSTRAINT delivery_message_id_key UNIQUE (message_id)
);

CREATE TABLE "erased" (
  kind text NOT NULL,
  id bigint NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT erased_pkey PRIMARY KEY (kind, id)
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

CREATE TABLE "newsletter" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  em_cd text NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  body_text text NOT NULL,
  body_html text NOT NULL,
  from_address text NOT NULL,
  bcc_address text NOT NULL,
  started timestamp with time zone NOT NULL DEFAULT now(),
  campaign_id bigint,
  CONSTRAINT newsletter_kind_check CHECK ((kind = ANY (ARRAY['member'::text, 'prospect'::text]))),
  CONSTRAINT newsletter_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES campaign(id),
  CONSTRAINT newsletter_pkey PRIMARY KEY (id)
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

CREATE TABLE "recipient" (
  kind text NOT NULL,
  id bigint NOT NULL,
  email text NOT NULL,
  first_name text NOT NULL,
  last_name text NOT NULL,
  code text NOT NULL,
  newsletter boolean NOT NULL,
  unsubscribed boolean NOT NULL,
  token text NOT NULL,
  version bigint NOT NULL,
  refused boolean,
  CONSTRAINT recipient_kind_check CHECK ((kind = ANY (ARRAY['member'::text, 'prospect'::text]))),
  CONSTRAINT recipient_pkey PRIMARY KEY (kind, id)
);

CREATE TABLE "room" (
  hash text NOT NULL,
  at timestamp with time zone NOT NULL
);

CREATE TABLE "shop" (
  single boolean NOT NULL DEFAULT true,
  name text NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT shop_single_check CHECK (single),
  CONSTRAINT shop_pkey PRIMARY KEY (single)
);

CREATE TABLE "template" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  em_cd character varying(50) NOT NULL DEFAULT "left"(replace((gen_random_uuid())::text, '-'::text, ''::text), 20),
  subject character varying(300) NOT NULL,
  type text NOT NULL,
  status text NOT NULL,
  body_html character varying(15000) NOT NULL,
  body_text character varying(5000) NOT NULL,
  from_address character varying(100) NOT NULL DEFAULT ''::character varying,
  bcc_address character varying(100) NOT NULL DEFAULT ''::character varying,
  sent_at timestamp with time zone,
  CONSTRAINT template_status_check CHECK ((status = ANY (ARRAY['Draft'::text, 'Ready'::text, 'Sent'::text]))),
  CONSTRAINT template_type_check CHECK ((type = ANY (ARRAY['Member'::text, 'Prospect'::text]))),
  CONSTRAINT template_pkey PRIMARY KEY (id),
  CONSTRAINT template_em_cd_key UNIQUE (em_cd)
);

CREATE TABLE "template_version" (
  kind text NOT NULL,
  version bigint NOT NULL,
  subject text NOT NULL,
  body_text text NOT NULL,
  body_html text NOT NULL,
  from_address text NOT NULL,
  bcc_address text NOT NULL,
  built_in boolean NOT NULL,
  saved_by text NOT NULL,
  saved_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT template_version_pkey PRIMARY KEY (kind, version)
);

CREATE INDEX campaign_at_work ON mailer.campaign USING btree (id) WHERE (state = ANY (ARRAY['scheduled'::text, 'running'::text]));
CREATE INDEX delivery_due ON mailer.delivery USING btree (next_at) WHERE (state = 'queued'::text);
CREATE INDEX delivery_due_newsletter ON mailer.delivery USING btree (next_at) WHERE ((state = 'queued'::text) AND (newsletter_id IS NOT NULL));
CREATE INDEX delivery_due_single ON mailer.delivery USING btree (next_at) WHERE ((state = 'queued'::text) AND (newsletter_id IS NULL));
CREATE INDEX delivery_kind ON mailer.delivery USING btree (kind, id);
CREATE INDEX delivery_member ON mailer.delivery USING btree (member_id);
CREATE INDEX delivery_newsletter ON mailer.delivery USING btree (newsletter_id, state) WHERE (newsletter_id IS NOT NULL);
CREATE INDEX delivery_newsletter_prospect ON mailer.delivery USING btree (prospect_code) WHERE ((newsletter_id IS NOT NULL) AND (prospect_code IS NOT NULL));
CREATE INDEX delivery_open ON mailer.delivery USING btree (state, id) WHERE (state <> 'sent'::text);
CREATE INDEX delivery_order ON mailer.delivery USING btree (order_identifier) WHERE (order_identifier IS NOT NULL);
CREATE INDEX delivery_parked ON mailer.delivery USING btree (id) WHERE (state = 'parked'::text);
CREATE INDEX delivery_personal ON mailer.delivery USING btree (done_at) WHERE ((payload IS NOT NULL) AND (state <> 'queued'::text));
CREATE INDEX delivery_receivers ON mailer.delivery USING gin (to_hashes);
CREATE INDEX delivery_suppressed ON mailer.delivery USING btree (done_at) WHERE (state = 'suppressed'::text);
CREATE INDEX inbox_at ON mailer.inbox USING btree (at);
CREATE INDEX newsletter_campaign ON mailer.newsletter USING btree (campaign_id);
CREATE INDEX newsletter_em_cd ON mailer.newsletter USING btree (em_cd);
CREATE INDEX outbox_next_at ON mailer.outbox USING btree (next_at);
CREATE INDEX parked_open ON mailer.parked USING btree (id) WHERE (resolved_at IS NULL);
CREATE INDEX recipient_code ON mailer.recipient USING btree (code);
CREATE INDEX recipient_email ON mailer.recipient USING btree (lower(email));
CREATE INDEX room_at ON mailer.room USING btree (at);
CREATE INDEX room_hash ON mailer.room USING btree (hash, at);
