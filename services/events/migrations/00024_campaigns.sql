-- +goose Up

-- The campaign that mails with this code are of; title is its name then. NULL without, and until its next mail.
ALTER TABLE email_code ADD COLUMN campaign_id bigint;
