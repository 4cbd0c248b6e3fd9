-- Whose database this is, what each service needs in it, and no rights for anyone else. Run by the owner of
-- the database (migrate does it); safe to repeat. By hand, with the name of the shop:
--
--   PGOPTIONS='-c shop.name=acme' psql -v ON_ERROR_STOP=1 -f init.sql DATABASE_URL
--
-- deploy/postgres/init.sql is pkg/pg/guard.sql and pkg/pg/init.sql; a test compares them.

CREATE SCHEMA IF NOT EXISTS shop;
CREATE TABLE IF NOT EXISTS shop.guard (
  one  boolean PRIMARY KEY DEFAULT true CHECK (one),
  name text NOT NULL
);
GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT SELECT ON shop.guard TO PUBLIC; -- those who may connect at all

-- A database from before shops had names is that of the shop called shop.
INSERT INTO shop.guard (name)
SELECT CASE WHEN to_regclass('"order".version_order') IS NULL
            THEN coalesce(nullif(current_setting('shop.name', true), ''), 'shop') ELSE 'shop' END
ON CONFLICT DO NOTHING;

DO $$
DECLARE
  owner text := (SELECT name FROM shop.guard);
  asked text := coalesce(nullif(current_setting('shop.name', true), ''), 'shop');
BEGIN
  IF owner <> asked THEN
    RAISE EXCEPTION 'it is the one of %, not of %', owner, asked USING ERRCODE = 'SHOP1';
  END IF;
END
$$;

