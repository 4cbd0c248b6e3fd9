-- +goose Up

-- Frontends put the amount as it is sent, 10.00, where a description has {}. Only the sample's own text is replaced.
UPDATE discount_code SET description = '10% off your order, to say hello'
WHERE id = 1 AND code = 'WELCOME10' AND description = '{}% off your order, to say hello' AND amount = 1000;
