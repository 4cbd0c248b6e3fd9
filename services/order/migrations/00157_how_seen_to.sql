-- +goose Up

-- How an entry for staff was seen to: by-hand, served (the goods were sent without an order) or refunded. NULL where the
-- shop resolved it by itself, which resolved_by says, and where an older version of the shop did.
ALTER TABLE payment_issue ADD COLUMN resolution text;
