-- +goose Up

-- Whose unpaid pages hold what, for the ceilings (ADR 13): the buyer's mailbox as package email names
-- a person, and a keyed hash of the client's address, which goes when the quote ends.
ALTER TABLE checkout ADD COLUMN person text, ADD COLUMN client text;
CREATE INDEX reservation_sku ON reservation (sku_id);

-- Once per customer counts people, whatever account or spelling they come with. Uses from before are
-- counted by the address of their checkout.
ALTER TABLE code_use ADD COLUMN person text;
CREATE INDEX code_use_person ON code_use (code_id, person);
UPDATE code_use u SET person = p.person
FROM (
  SELECT id, CASE WHEN domain IN ('gmail.com', 'googlemail.com') THEN replace(local, '.', '') || '@gmail.com' ELSE local || '@' || domain END AS person
  FROM (
    SELECT id, regexp_replace(regexp_replace(lower(btrim(email)), '@[^@]*$', ''), '^(.[^+]*)[+].*$', '\1') AS local, substring(lower(btrim(email)) FROM '[^@]*$') AS domain
    FROM checkout WHERE email LIKE '%@%'
  ) parts
) p
WHERE p.id = u.checkout_id AND u.person IS NULL;
