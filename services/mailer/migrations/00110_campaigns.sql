-- +goose Up

-- A newsletter that staff write, start, pause and look back at. Its words are frozen in newsletter when it starts, once
-- for each kind of receiver.
CREATE TABLE campaign (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  em_cd        text NOT NULL UNIQUE DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 20), -- stands in its links
  name         text NOT NULL,                     -- for staff
  audience     text NOT NULL CHECK (audience IN ('members', 'prospects', 'both')),
  subject      text NOT NULL,
  body_text    text NOT NULL,
  body_html    text NOT NULL,
  from_address text NOT NULL DEFAULT '',          -- empty: MAIL_FROM
  pace         int NOT NULL DEFAULT 0,            -- most mails a minute to addresses of one domain; 0: no limit
  state        text NOT NULL DEFAULT 'draft'
    CHECK (state IN ('draft', 'scheduled', 'running', 'paused', 'stopped', 'ended')),
  start_at     timestamptz,                       -- of a scheduled one
  receivers    int NOT NULL DEFAULT 0,            -- fixed at the start
  started_at   timestamptz,
  paused_at    timestamptz,
  ended_at     timestamptz,
  version      bigint NOT NULL DEFAULT 1,
  changed_by   text NOT NULL,
  changed_at   timestamptz NOT NULL DEFAULT now(),
  created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX campaign_at_work ON campaign (id) WHERE state IN ('scheduled', 'running');

ALTER TABLE newsletter ADD COLUMN campaign_id bigint REFERENCES campaign;
CREATE INDEX newsletter_campaign ON newsletter (campaign_id);

-- Mails to one person overtake those of newsletters, so each has an index of its own.
CREATE INDEX delivery_due_single ON delivery (next_at) WHERE state = 'queued' AND newsletter_id IS NULL;
CREATE INDEX delivery_due_newsletter ON delivery (next_at) WHERE state = 'queued' AND newsletter_id IS NOT NULL;

-- Addresses that a mail server has refused for good: they get no newsletters until one of their mails is taken.
CREATE TABLE bounced (
  hash text PRIMARY KEY,     -- of the address, keyed with the shop's secret
  code int NOT NULL,         -- the server's
  at   timestamptz NOT NULL DEFAULT now()
);

-- The newsletters of before go on as campaigns, under their codes; what is under way is not one's mail. One that was
-- started has ended, paused or not: a draft could be sent to the same people again.
INSERT INTO campaign (em_cd, name, audience, subject, body_text, body_html, from_address, state, started_at, ended_at,
  changed_by)
SELECT em_cd, left(subject, 100), lower(type) || 's', subject, replace(body_text, '{draft_text}', ''),
  replace(body_html, '{draft_html}', ''), from_address, CASE WHEN sent_at IS NOT NULL OR status = 'Sent' THEN 'ended'
    ELSE 'draft' END, sent_at,
  sent_at, ''
FROM template
WHERE em_cd NOT IN ('gvREoqen93ffZsmBIc8zl', 'FpGyZy6kld9R2XTjqvBQN', 'iqTDAc8JhIQyg73rtu7UO', 'XxvKKimizGBBl264sB3oe',
  'QF7uyedG40BFKlUvE2cBE', 'fkiPtP3djJvoyvdtVXHeP')
  AND body_text NOT LIKE '%{identifier}%' AND body_text NOT LIKE '%{order_link}%'
  AND em_cd NOT IN (SELECT kind FROM template_version)
ORDER BY id;
