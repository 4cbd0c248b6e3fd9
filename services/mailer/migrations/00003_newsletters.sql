-- +goose Up

-- A template that staff add gets its code by itself: 20 letters and digits from a random UUID.
ALTER TABLE template ALTER COLUMN em_cd SET DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 20);

-- When a newsletter last went to its receivers.
ALTER TABLE template ADD COLUMN sent_at timestamptz;
