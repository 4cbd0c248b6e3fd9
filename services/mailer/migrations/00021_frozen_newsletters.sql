-- +goose Up

-- A newsletter as it was when it was sent: what staff make of its template since changes nothing.
CREATE TABLE newsletter (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  em_cd        text NOT NULL,                    -- of its template, whose status Draft pauses it
  kind         text NOT NULL CHECK (kind IN ('member', 'prospect')),
  subject      text NOT NULL,
  body_text    text NOT NULL,
  body_html    text NOT NULL,
  from_address text NOT NULL,
  bcc_address  text NOT NULL,
  started      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX newsletter_em_cd ON newsletter (em_cd);
ALTER TABLE delivery ADD COLUMN newsletter_id bigint REFERENCES newsletter;
CREATE INDEX delivery_newsletter ON delivery (newsletter_id, state) WHERE newsletter_id IS NOT NULL;

-- One address is one person: who refused newsletters under one spelling gets none under another.
ALTER TABLE recipient ADD COLUMN refused boolean; -- a prospect has unsubscribed, rather than never asked; null: user has not told
CREATE INDEX recipient_email ON recipient (lower(email));
