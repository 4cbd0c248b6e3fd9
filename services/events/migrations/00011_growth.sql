-- +goose Up

-- The words of an address, without escapes between them: what a person is looked for by in addresses that
-- have parameters. An address or a code is all of its words, and position() looks closer.
CREATE FUNCTION words(t text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_remove(regexp_split_to_array(regexp_replace(lower(t), '%[0-9a-f]{2}', ' ', 'g'), '[^a-z0-9\u0080-\U0010ffff]+'), '');

CREATE INDEX pageview_words ON pageview USING gin (words(url)) WHERE url ~ '[?#]';
CREATE INDEX ajax_error_words ON ajax_error USING gin (words(url)) WHERE url ~ '[?#]';
CREATE INDEX button_click_words ON button_click USING gin (words(url)) WHERE url ~ '[?#]';
CREATE INDEX link_event_words ON link_event USING gin (words(url)) WHERE url ~ '[?#]';

-- What the report for staff tells of a day, counted as it comes in: the report is as quick after ten million
-- page views as after ten. Days are UTC's. A page is its address without parameters, of which 300 signs fit
-- into the index.
CREATE TABLE pageview_day (
  day date NOT NULL,
  page text NOT NULL,
  views bigint NOT NULL,
  PRIMARY KEY (day, page)
);
CREATE TABLE order_day (
  day date PRIMARY KEY,
  orders bigint NOT NULL,
  pieces bigint NOT NULL,
  total bigint NOT NULL -- cents
);

-- +goose StatementBegin
CREATE FUNCTION count_pageviews() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO pageview_day (day, page, views)
  SELECT (at AT TIME ZONE 'UTC')::date, left(substring(url FROM '^[^?#]*'), 300), count(*) FROM added GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (day, page) DO UPDATE SET views = pageview_day.views + excluded.views;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION count_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO order_day (day, orders, pieces, total)
  SELECT (at AT TIME ZONE 'UTC')::date, count(*), sum(pieces), sum(total) FROM added GROUP BY 1 ORDER BY 1
  ON CONFLICT (day) DO UPDATE SET orders = order_day.orders + excluded.orders, pieces = order_day.pieces + excluded.pieces,
    total = order_day.total + excluded.total;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER count_pageviews AFTER INSERT ON pageview REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION count_pageviews();
CREATE TRIGGER count_orders AFTER INSERT ON order_placed REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION count_orders();

INSERT INTO pageview_day (day, page, views)
SELECT (at AT TIME ZONE 'UTC')::date, left(substring(url FROM '^[^?#]*'), 300), count(*) FROM pageview GROUP BY 1, 2 ORDER BY 1, 2;
INSERT INTO order_day (day, orders, pieces, total)
SELECT (at AT TIME ZONE 'UTC')::date, count(*), sum(pieces), sum(total) FROM order_placed GROUP BY 1;
