-- +goose Up

-- What browsers report, in a table for each month: what has outlived its use goes by dropping tables. Old
-- processes go on writing to pageview, ajax_error, button_click and link_event; housekeeping brings their rows,
-- and those of before, over, and a later release drops these tables. event_id is edge's stamp, as is at: a
-- repeated report is the same row. anonymous_id is the browser's; when a person is erased, stand_in takes its
-- place, by which a day's visits stay countable and which leads to no browser and no other day.
CREATE TABLE page_view (
  id           bigint GENERATED ALWAYS AS IDENTITY,
  event_id     text NOT NULL,
  user_id      bigint REFERENCES member ON DELETE SET NULL,
  anonymous_id varchar(100),
  stand_in     varchar(100),
  url          varchar(2000) NOT NULL,
  referrer     varchar(100),               -- the host that led here, when it is another one
  page_width   int,
  remote_addr  varchar(100),
  user_agent   varchar(1000),
  order_mark   varchar(100),               -- msg.OrderMark of the order that the page shows
  bought       boolean NOT NULL DEFAULT FALSE, -- showed an order that was just placed: noted when the mark is erased
  at           timestamptz NOT NULL,
  PRIMARY KEY (id, at),
  UNIQUE (event_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX page_view_at ON page_view (at);
CREATE INDEX page_view_user ON page_view (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX page_view_anonymous ON page_view (anonymous_id) WHERE anonymous_id IS NOT NULL;
CREATE INDEX page_view_order ON page_view (order_mark) WHERE order_mark IS NOT NULL;
CREATE INDEX page_view_addr ON page_view (remote_addr, at) WHERE remote_addr IS NOT NULL;
CREATE INDEX page_view_traceable ON page_view (at) WHERE remote_addr IS NOT NULL OR user_agent IS NOT NULL;
CREATE INDEX page_view_words ON page_view USING gin (words(url)) WHERE url ~ '[?#]';

-- Calls of pages that failed, and errors of scripts.
CREATE TABLE call_error (
  id           bigint GENERATED ALWAYS AS IDENTITY,
  event_id     text NOT NULL,
  user_id      bigint REFERENCES member ON DELETE SET NULL,
  anonymous_id varchar(100),
  url          varchar(2000) NOT NULL,
  error_id     varchar(100) NOT NULL,
  at           timestamptz NOT NULL,
  PRIMARY KEY (id, at),
  UNIQUE (event_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX call_error_at ON call_error (at);
CREATE INDEX call_error_id ON call_error (error_id, at);
CREATE INDEX call_error_user ON call_error (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX call_error_anonymous ON call_error (anonymous_id) WHERE anonymous_id IS NOT NULL;
CREATE INDEX call_error_words ON call_error USING gin (words(url)) WHERE url ~ '[?#]';

CREATE TABLE click (
  id           bigint GENERATED ALWAYS AS IDENTITY,
  event_id     text NOT NULL,
  user_id      bigint REFERENCES member ON DELETE SET NULL,
  anonymous_id varchar(100),
  url          varchar(2000) NOT NULL,
  button_id    varchar(100) NOT NULL,
  search       varchar(100),               -- what was looked for and not found: button search-empty
  at           timestamptz NOT NULL,
  PRIMARY KEY (id, at),
  UNIQUE (event_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX click_at ON click (at);
CREATE INDEX click_button ON click (button_id, at);
CREATE INDEX click_user ON click (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX click_anonymous ON click (anonymous_id) WHERE anonymous_id IS NOT NULL;
CREATE INDEX click_words ON click USING gin (words(url)) WHERE url ~ '[?#]';

-- Arrivals over tracked links: what each code stood for, or nothing.
CREATE TABLE arrival (
  id           bigint GENERATED ALWAYS AS IDENTITY,
  event_id     text NOT NULL,
  user_id      bigint REFERENCES member ON DELETE SET NULL,
  prospect_id  bigint REFERENCES prospect ON DELETE SET NULL,
  anonymous_id varchar(100),
  stand_in     varchar(100),
  email_id     bigint REFERENCES email_code ON DELETE SET NULL,
  ad_id        bigint REFERENCES ad ON DELETE SET NULL,
  url          varchar(2000) NOT NULL,
  at           timestamptz NOT NULL,
  PRIMARY KEY (id, at),
  UNIQUE (event_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX arrival_at ON arrival (at);
CREATE INDEX arrival_ad ON arrival (ad_id, at) WHERE ad_id IS NOT NULL;
CREATE INDEX arrival_email ON arrival (email_id, at) WHERE email_id IS NOT NULL;
CREATE INDEX arrival_user ON arrival (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX arrival_prospect ON arrival (prospect_id) WHERE prospect_id IS NOT NULL;
CREATE INDEX arrival_anonymous ON arrival (anonymous_id) WHERE anonymous_id IS NOT NULL;
CREATE INDEX arrival_words ON arrival USING gin (words(url)) WHERE url ~ '[?#]';

-- What no month's table takes waits here for its table.
CREATE TABLE page_view_rest PARTITION OF page_view DEFAULT;
CREATE TABLE call_error_rest PARTITION OF call_error DEFAULT;
CREATE TABLE click_rest PARTITION OF click DEFAULT;
CREATE TABLE arrival_rest PARTITION OF arrival DEFAULT;

-- The service's role makes no tables by itself: these two functions make those of months, and drop
-- them. No other role reaches into this schema.
-- +goose StatementBegin
CREATE FUNCTION make_months(first date, last date) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  parent text;
  child text;
  month date;
  made int := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(20261128);
  FOR month IN SELECT m::date FROM generate_series(date_trunc('month', first::timestamp), last::timestamp, interval '1 month') AS m LOOP
    FOREACH parent IN ARRAY ARRAY['page_view', 'call_error', 'click', 'arrival'] LOOP
      child := parent || to_char(month, '"_"YYYY"_"MM');
      CONTINUE WHEN to_regclass(child) IS NOT NULL;
      EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
      EXECUTE format('WITH moved AS (DELETE FROM %I WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
        parent || '_rest', month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC', child);
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child,
        month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION drop_months(before date) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  child text;
  dropped int := 0;
BEGIN
  FOR child IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent IN ('page_view'::regclass, 'call_error'::regclass, 'click'::regclass, 'arrival'::regclass)
      AND c.relname ~ '_\d{4}_\d{2}$' AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before ORDER BY 1 LOOP
    EXECUTE format('DROP TABLE %I', child);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END
$$;
-- +goose StatementEnd
SELECT make_months((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC' + interval '1 month')::date);

-- The page of an address: its path, of which 300 characters are kept.
CREATE FUNCTION page_of(url text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(coalesce(nullif(substring(url FROM '^(?:[a-zA-Z]+://[^/?#]*)?([^?#]*)'), ''), '/'), 300);

-- How far towards an order a page is: 1 a product, 2 the cart, 3 the checkout.
CREATE FUNCTION step_of(page text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN page ~ '^/checkout(/|$)' THEN 3 WHEN page ~ '^/cart/?$' THEN 2 WHEN page ~ '^/product(/|$)' THEN 1 ELSE 0 END;

-- Where a page view came from, if it tells: the campaign that its address names, or another site.
CREATE FUNCTION source_of(url text, referrer text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('campaign:' || lower(substring(url FROM '[?&]utm_source=([[:alnum:]][^&#]{0,39})')), 'site:' || referrer);

-- msg.OrderMark.
CREATE FUNCTION order_mark(identifier text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN rtrim(translate(encode(sha256(convert_to('order:' || identifier, 'UTF8')), 'base64'), E'+/\n', '-_'), '=');

-- More of an order, as its message tells it. Those of before have NULL, and neither items nor codes.
ALTER TABLE order_placed ADD COLUMN country varchar(2), ADD COLUMN discount bigint, -- cents off, of items and of shipping
  ADD COLUMN again boolean,       -- the buyer had ordered before; found when the day is counted
  ADD COLUMN source varchar(120); -- how the buyer came: ad:, mail:, campaign:, site:, or direct; NULL while not known
CREATE INDEX order_placed_unsourced ON order_placed (at) WHERE source IS NULL;
CREATE TABLE order_item (
  identifier  text NOT NULL REFERENCES order_placed,
  seq         int NOT NULL,
  product     varchar(300) NOT NULL,      -- its identifier, or its title where that was not told
  title       varchar(300) NOT NULL,
  collections jsonb NOT NULL DEFAULT '[]', -- of {address, title}, as they were then
  pieces      bigint NOT NULL,
  sales       bigint NOT NULL,            -- cents, before codes
  PRIMARY KEY (identifier, seq)
);
CREATE TABLE order_code (
  identifier text NOT NULL REFERENCES order_placed,
  code       varchar(100) NOT NULL,
  title      varchar(300) NOT NULL,
  PRIMARY KEY (identifier, code)
);

-- Days whose figures are out of date. Rows come in the transaction that makes them so and go in the one that
-- counts the day again, which sees all that was committed with them.
CREATE TABLE recount (
  id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  day date NOT NULL
);
CREATE INDEX recount_day ON recount (day);
-- +goose StatementBegin
CREATE FUNCTION mark_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO recount (day) SELECT DISTINCT (at AT TIME ZONE 'UTC')::date FROM added;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER mark_days AFTER INSERT ON page_view REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_days();
CREATE TRIGGER mark_days AFTER INSERT ON call_error REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_days();
CREATE TRIGGER mark_days AFTER INSERT ON click REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_days();
CREATE TRIGGER mark_days AFTER INSERT ON arrival REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_days();
CREATE TRIGGER mark_days AFTER INSERT ON order_placed REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_days();
INSERT INTO recount (day) SELECT DISTINCT (at AT TIME ZONE 'UTC')::date FROM order_placed;

-- The figures of reports, of days in UTC: numbers, without persons. A visit is what a browser does on a day
-- with less than half an hour between; it belongs to its first hour. A visitor is a browser on a day. Amounts are
-- cents.
CREATE TABLE day_total (
  day               date PRIMARY KEY,
  visitors          bigint NOT NULL DEFAULT 0,
  visits            bigint NOT NULL DEFAULT 0,
  views             bigint NOT NULL DEFAULT 0,
  to_product        bigint NOT NULL DEFAULT 0, -- visits that came as far, or further
  to_cart           bigint NOT NULL DEFAULT 0,
  to_checkout       bigint NOT NULL DEFAULT 0,
  to_order          bigint NOT NULL DEFAULT 0,
  errors            bigint NOT NULL DEFAULT 0,
  empty_searches    bigint NOT NULL DEFAULT 0,
  orders            bigint NOT NULL DEFAULT 0,
  pieces            bigint NOT NULL DEFAULT 0,
  sales             bigint NOT NULL DEFAULT 0,
  discount          bigint NOT NULL DEFAULT 0,
  again_orders      bigint NOT NULL DEFAULT 0,
  again_sales       bigint NOT NULL DEFAULT 0
);
CREATE TABLE hour_total (
  hour   timestamptz PRIMARY KEY,
  visits bigint NOT NULL DEFAULT 0,
  views  bigint NOT NULL DEFAULT 0,
  orders bigint NOT NULL DEFAULT 0,
  sales  bigint NOT NULL DEFAULT 0
);
-- kind is page, source, error, search, product, collection, code or country. name identifies what is counted,
-- title is for people; detail is an error's.
CREATE TABLE day_part (
  day    date NOT NULL,
  kind   varchar(20) NOT NULL,
  name   varchar(300) NOT NULL,
  detail varchar(100) NOT NULL DEFAULT '',
  title  varchar(300) NOT NULL DEFAULT '',
  visits bigint NOT NULL DEFAULT 0,
  views  bigint NOT NULL DEFAULT 0,
  orders bigint NOT NULL DEFAULT 0,
  pieces bigint NOT NULL DEFAULT 0,
  sales  bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, day, name, detail)
);
