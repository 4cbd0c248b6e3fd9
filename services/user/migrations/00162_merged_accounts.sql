-- +goose Up

-- An account that was merged into another one is closed: no one logs in to it, and it is told of no more. Its row says
-- whose it was.
ALTER TABLE account ADD COLUMN merged_member bigint REFERENCES account (id) ON DELETE CASCADE;
CREATE INDEX account_merged_member ON account (merged_member) WHERE merged_member IS NOT NULL;
