-- +goose Up

-- Who the shop is, as its settings say (order). One row at most.
CREATE TABLE shop (
  single  boolean PRIMARY KEY DEFAULT true CHECK (single),
  name    text NOT NULL,      -- empty: as MAIL_FROM says
  version bigint NOT NULL     -- of the settings
);
