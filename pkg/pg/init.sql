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
