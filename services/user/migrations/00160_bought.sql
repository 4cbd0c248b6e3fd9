-- +goose Up

-- What customers bought: an order each, as order tells of it. The figures of account and prospect are its sums; those of
-- before came without it and are counted again as order tells its history.
CREATE TABLE bought (
  identifier  text PRIMARY KEY,              -- the order's
  member_id   bigint,                        -- whose it is: one of the two
  prospect_id bigint,
  total       bigint NOT NULL,               -- cents, as it was placed
  returned    bigint NOT NULL DEFAULT 0,     -- cents that refunds and disputes took back
  at          timestamptz NOT NULL,
  version     bigint NOT NULL DEFAULT -1,    -- of what was told of returned
  CHECK (num_nonnulls(member_id, prospect_id) = 1)
);
CREATE INDEX bought_member ON bought (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX bought_prospect ON bought (prospect_id) WHERE prospect_id IS NOT NULL;
