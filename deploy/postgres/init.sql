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

-- One schema and one role for each service, rights on nothing else. Services connect as their role, or as
-- a login that may become it (SET ROLE). Passwords are set by who deploys, never here. Roles belong to the whole
-- server: their names begin with the shop's, and no one else's may connect.

REVOKE ALL ON SCHEMA public FROM PUBLIC;

DO $$
DECLARE
  service text;
  r text;
BEGIN
  EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  FOREACH service IN ARRAY ARRAY['edge', 'user', 'order', 'events', 'mailer', 'webhook', 'admin'] LOOP
    r := (SELECT name FROM shop.guard) || '_' || service;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', r);
    END IF;
    -- From PostgreSQL 16 on, who made a role without being a superuser is its member, but may not become it.
    IF NOT pg_has_role(current_user, r, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END) THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', r);
    END IF;
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', service);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service, r);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', service, r);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE, SELECT ON SEQUENCES TO %I', service, r);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), r);
    -- For people with psql; services set these themselves. Who made the roles for an owner without CREATEROLE set them.
    BEGIN
      EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %I', r, current_database(), service);
      EXECUTE format('ALTER ROLE %I IN DATABASE %I SET statement_timeout = ''5s''', r, current_database());
      EXECUTE format('ALTER ROLE %I IN DATABASE %I SET lock_timeout = ''2s''', r, current_database());
      EXECUTE format('ALTER ROLE %I IN DATABASE %I SET idle_in_transaction_session_timeout = ''10s''', r, current_database());
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
  END LOOP;
END
$$;
