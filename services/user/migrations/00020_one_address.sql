-- +goose Up

-- Addresses are compared without regard to case.
CREATE INDEX account_email_lower ON account (lower(email));
CREATE INDEX prospect_email_lower ON prospect (lower(email));
CREATE INDEX chat_message_email_lower ON chat_message (lower(email));
