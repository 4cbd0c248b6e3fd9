-- +goose Up

-- The tax within an order's total, in cents; NULL for orders of before until order tells of it.
ALTER TABLE order_placed ADD COLUMN tax bigint;

-- All that was given back of an order by now: refunds that succeeded and disputes that were lost, a list of
-- {at, amount, tax}, amounts in cents. days are theirs, in UTC. The highest version is the newest word.
CREATE TABLE order_returned (
  identifier text PRIMARY KEY,
  version    bigint NOT NULL,
  returns    jsonb NOT NULL,
  days       date[] NOT NULL
);
CREATE INDEX order_returned_days ON order_returned USING gin (days);

-- +goose StatementBegin
CREATE FUNCTION mark_returns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO recount (day) SELECT DISTINCT unnest(CASE TG_OP WHEN 'UPDATE' THEN NEW.days || OLD.days ELSE NEW.days END);
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER mark_returns AFTER INSERT OR UPDATE ON order_returned FOR EACH ROW EXECUTE FUNCTION mark_returns();

ALTER TABLE day_total ADD COLUMN tax bigint NOT NULL DEFAULT 0, -- within the sales of the day
  ADD COLUMN returned bigint NOT NULL DEFAULT 0,                -- given back on the day, of whichever day's orders
  ADD COLUMN returned_tax bigint NOT NULL DEFAULT 0;            -- and the tax within that
