-- +goose Up

-- When the password was last replaced, by the clock that stamps logins: what was logged in before ends.
ALTER TABLE account ADD COLUMN password_changed timestamptz;
