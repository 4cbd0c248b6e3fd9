-- +goose Up

-- Roles have the shop's name, which need not be shop: the log stays append-only for the one that there is.
-- +goose StatementBegin
DO $$
DECLARE
  r text := (SELECT name || '_admin' FROM shop.guard);
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM %I', r);
    EXECUTE format('REVOKE UPDATE, TRUNCATE ON audit_values FROM %I', r);
  END IF;
END
$$;
-- +goose StatementEnd
