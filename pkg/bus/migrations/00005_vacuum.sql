-- +goose Up

-- The outbox is as small as what is under way, and all of it is rewritten within seconds: a share of its rows says nothing
-- about when to vacuum it. The inbox only grows until its keys are pruned; its index is read for each message.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);
ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0);
