-- +goose Up

-- Edge hears when staff change who the shop is, as it does of the catalogue: docs/adr/0003-catalogue-triggers.md.
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE ON configuration FOR EACH ROW WHEN (NEW.key LIKE 'shop\_%') EXECUTE FUNCTION catalog_changed();
