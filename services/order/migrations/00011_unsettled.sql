-- +goose Up

-- Sessions that are paid at Stripe and could be made neither an order nor an entry for staff. The sweep
-- comes back to them, however old they get, and a metric tells the age of the oldest.
CREATE TABLE unsettled (
  session_id text PRIMARY KEY,
  created_at timestamptz NOT NULL,               -- of the session, at Stripe
  noted_at   timestamptz NOT NULL DEFAULT now(),
  cause      text NOT NULL
);
