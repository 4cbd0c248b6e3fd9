-- +goose Up

-- Sign-ins that were refused, counted by the minute before they go into the log of acts: guessing adds one entry a minute
-- and person to it. Names that no one has are not kept, nor where they came from.
CREATE TABLE refused_sign_in (
  person_id bigint NOT NULL,            -- 0: no one
  text      text NOT NULL,              -- of the entry
  minute    timestamptz NOT NULL DEFAULT date_trunc('minute', now()),
  n         integer NOT NULL DEFAULT 1,
  at        timestamptz NOT NULL DEFAULT now(), -- of the last one
  address   text NOT NULL,              -- from which it came
  PRIMARY KEY (person_id, text, minute)
);
