-- +goose Up

-- Taxes are none until staff choose otherwise: docs/adr/0041-taxes.md.
INSERT INTO configuration (key, value) VALUES ('tax_mode', 'none'), ('tax_rates', NULL) ON CONFLICT DO NOTHING;

ALTER TABLE orders ADD COLUMN tax_included bigint NOT NULL DEFAULT 0 CHECK (tax_included >= 0 AND tax_included <= total); -- of the total; sales_tax was added to it
