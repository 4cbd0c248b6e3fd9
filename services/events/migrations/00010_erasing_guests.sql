-- +goose Up

-- A mark of the order that a page showed: the address does not hold its identifier any more, and a
-- guest who is erased is found by it.
ALTER TABLE pageview ADD COLUMN order_mark varchar(100);
CREATE INDEX pageview_order ON pageview (order_mark) WHERE order_mark IS NOT NULL;

-- Client addresses and browser names go sooner than the page views themselves.
CREATE INDEX pageview_traceable ON pageview (at) WHERE remote_addr IS NOT NULL OR user_agent IS NOT NULL;

-- The code of the visitor who ordered, until they are erased; orders from before have none.
ALTER TABLE order_placed ADD COLUMN pr_cd varchar(50);
CREATE INDEX order_placed_code ON order_placed (pr_cd) WHERE pr_cd IS NOT NULL;
