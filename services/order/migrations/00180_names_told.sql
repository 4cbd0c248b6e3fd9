-- +goose Up

-- The orders of before are told once more, with the names of those who ordered without an account.
INSERT INTO history_told (until) SELECT now() + interval '1 hour' WHERE EXISTS (SELECT FROM orders)
ON CONFLICT (single) DO UPDATE SET last_id = 0, until = excluded.until;
