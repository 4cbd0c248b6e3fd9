-- +goose Up

-- What this service has to say to others. A row is written in the transaction of the change that
-- it reports, and deleted when every receiver has said that it committed the message.
CREATE TABLE outbox (
  seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key        text NOT NULL UNIQUE,          -- business key, the message's id
  subject    text NOT NULL,
  headers    jsonb NOT NULL DEFAULT '{}',
  payload    bytea NOT NULL,
  pending    text[] NOT NULL DEFAULT '{}',  -- consumers that have not confirmed yet
  attempts   int NOT NULL DEFAULT 0,
  next_at    timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbox_next_at ON outbox (next_at);

-- The keys that each consumer has acted on: a repeated message changes nothing.
CREATE TABLE inbox (
  consumer text NOT NULL,
  key      text NOT NULL,
  at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, key)
);
CREATE INDEX inbox_at ON inbox (at);

-- Messages that cannot succeed, whole and with the reason, until a human has seen to them.
CREATE TABLE parked (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer    text NOT NULL,
  key         text NOT NULL,
  subject     text NOT NULL,
  headers     jsonb NOT NULL DEFAULT '{}',
  payload     bytea NOT NULL,
  reason      text NOT NULL,
  attempts    int NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  resolved_by text,
  UNIQUE (consumer, key)
);
