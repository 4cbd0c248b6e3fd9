-- +goose Up

-- What the list of customers for staff goes by, and what its search looks for: beginnings of addresses and names.
CREATE INDEX account_joined ON account (joined DESC, id DESC);
CREATE INDEX prospect_created ON prospect (created DESC, id DESC) WHERE converted IS NULL;
CREATE INDEX account_email_begins ON account (lower(email) text_pattern_ops);
CREATE INDEX prospect_email_begins ON prospect (lower(email) text_pattern_ops);
CREATE INDEX account_last_name_begins ON account (lower(last_name) text_pattern_ops);
CREATE INDEX prospect_last_name_begins ON prospect (lower(last_name) text_pattern_ops);
CREATE INDEX account_username_begins ON account (lower(username) text_pattern_ops);
