-- +goose Up

-- Quotes that ended without a payment go after a while; those that were paid stay with their order.
CREATE INDEX checkout_ended ON checkout (expires_at) WHERE state IN ('expired', 'failed');
