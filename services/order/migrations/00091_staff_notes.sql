-- +goose Up

-- What staff write about an order: for themselves, or to the customer.
CREATE TABLE staff_note (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id  bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  text      text NOT NULL CHECK (length(text) <= 2000),
  mailed    boolean NOT NULL,
  by_person bigint NOT NULL DEFAULT 0,
  by_name   text NOT NULL,
  at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX staff_note_order ON staff_note (order_id);
