-- +goose Up

-- What the list of orders for staff is found by.

-- The newest row of order_status, kept here so that a list of one status need not look into another table for each order.
ALTER TABLE orders ADD COLUMN current_status text;

-- +goose StatementBegin
CREATE FUNCTION order_status_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE orders o SET current_status = n.status
  FROM (SELECT DISTINCT ON (c.order_id) c.order_id, s.status FROM (SELECT DISTINCT order_id FROM changed) c
    LEFT JOIN (order_status s JOIN status k ON k.identifier = s.status) ON s.order_id = c.order_id
    ORDER BY c.order_id, s.created_date_time DESC, k.position DESC) n
  WHERE o.id = n.order_id AND o.current_status IS DISTINCT FROM n.status;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER order_status_added AFTER INSERT ON order_status REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_status_changed();
CREATE TRIGGER order_status_edited AFTER UPDATE ON order_status REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_status_changed();
CREATE TRIGGER order_status_removed AFTER DELETE ON order_status REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_status_changed();

UPDATE orders o SET current_status = n.status
FROM (SELECT DISTINCT ON (s.order_id) s.order_id, s.status FROM order_status s JOIN status k ON k.identifier = s.status
  ORDER BY s.order_id, s.created_date_time DESC, k.position DESC) n
WHERE o.id = n.order_id;

CREATE INDEX orders_of_status ON orders (current_status, placed_at DESC, id DESC);
CREATE INDEX orders_by_total ON orders (total DESC, id DESC);

-- The search box: beginnings by btree, a name by the groups of three letters in it, payments by their own keys.
CREATE INDEX orders_identifier_begins ON orders (identifier text_pattern_ops);
CREATE INDEX orders_email_begins ON orders (lower(email) text_pattern_ops);
CREATE INDEX orders_tracking_begins ON orders (tracking_number text_pattern_ops) WHERE tracking_number IS NOT NULL;
CREATE INDEX orders_name_like ON orders USING gin (lower(customer_name) gin_trgm_ops);
CREATE INDEX order_code_orders ON order_code (code_id, order_id);
CREATE INDEX order_line_orders ON order_line (sku_id, order_id);

-- A view of a list that a person of the back office keeps under a name.
CREATE TABLE staff_view (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id bigint NOT NULL,                        -- of services/admin
  name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  query     text NOT NULL CHECK (length(query) <= 2000), -- of the list's address
  UNIQUE (person_id, name)
);
