-- +goose Up

-- What staff made of the templates of mails, every version. A mail about no order has a row of template, under its kind
-- as em_cd, once staff have changed it.
CREATE TABLE template_version (
  kind         text NOT NULL,        -- of mail
  version      bigint NOT NULL,
  subject      text NOT NULL,
  body_text    text NOT NULL,
  body_html    text NOT NULL,
  from_address text NOT NULL,
  bcc_address  text NOT NULL,
  built_in     boolean NOT NULL,     -- the template that the shop came with, put back
  saved_by     text NOT NULL,
  saved_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, version)
);
