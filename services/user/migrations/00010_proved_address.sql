-- +goose Up

-- Whose address a guest may not use: the proved ones, looked up without regard to case.
CREATE INDEX account_proved ON account (lower(email)) WHERE email_verified;
