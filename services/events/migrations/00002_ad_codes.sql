-- +goose Up

-- An ad that staff add gets its code by itself: 20 letters and digits from a random UUID.
ALTER TABLE ad ALTER COLUMN ad_cd SET DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 20);
