-- What the migrations make. Generated: go test -run Schema -update

CREATE TABLE "address_change" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  order_id bigint NOT NULL,
  version integer NOT NULL,
  before jsonb NOT NULL,
  after jsonb NOT NULL,
  by_person bigint NOT NULL DEFAULT 0,
  by_name text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT address_change_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id) ON DELETE CASCADE,
  CONSTRAINT address_change_pkey PRIMARY KEY (id),
  CONSTRAINT address_change_order_id_version_key UNIQUE (order_id, version)
);

CREATE TABLE "automatic_mail" (
  kind text NOT NULL,
  about text NOT NULL,
  email text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT automatic_mail_pkey PRIMARY KEY (kind, about)
);

CREATE TABLE "cart" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  member_id bigint,
  anonymous_id text,
  shipping_method_id bigint,
  receipt_email text,
  generation integer NOT NULL DEFAULT 1,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT cart_check CHECK (((member_id IS NULL) <> (anonymous_id IS NULL))),
  CONSTRAINT cart_shipping_method_id_fkey FOREIGN KEY (shipping_method_id) REFERENCES shipping_method(id),
  CONSTRAINT cart_pkey PRIMARY KEY (id),
  CONSTRAINT cart_anonymous_id_key UNIQUE (anonymous_id),
  CONSTRAINT cart_member_id_key UNIQUE (member_id)
);

CREATE TABLE "cart_code" (
  cart_id bigint NOT NULL,
  code_id bigint NOT NULL,
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT cart_code_cart_id_fkey FOREIGN KEY (cart_id) REFERENCES cart(id) ON DELETE CASCADE,
  CONSTRAINT cart_code_code_id_fkey FOREIGN KEY (code_id) REFERENCES discount_code(id) ON DELETE CASCADE,
  CONSTRAINT cart_code_pkey PRIMARY KEY (cart_id, code_id)
);

CREATE TABLE "cart_line" (
  cart_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  quantity integer NOT NULL,
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  clicks text[] NOT NULL DEFAULT '{}'::text[],
  CONSTRAINT cart_line_quantity_check CHECK (((quantity >= 0) AND (quantity <= 99))),
  CONSTRAINT cart_line_cart_id_fkey FOREIGN KEY (cart_id) REFERENCES cart(id) ON DELETE CASCADE,
  CONSTRAINT cart_line_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id) ON DELETE CASCADE,
  CONSTRAINT cart_line_pkey PRIMARY KEY (cart_id, sku_id)
);

CREATE TABLE "cart_merge" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  from_cart_id bigint NOT NULL,
  to_cart_id bigint NOT NULL,
  member_id bigint NOT NULL,
  visitor jsonb NOT NULL,
  before jsonb NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT cart_merge_pkey PRIMARY KEY (id),
  CONSTRAINT cart_merge_from_cart_id_key UNIQUE (from_cart_id)
);

CREATE TABLE "catalog_change" (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  product text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT catalog_change_product_check CHECK ((length(product) <= 100)),
  CONSTRAINT catalog_change_pkey PRIMARY KEY (xid, product)
);

CREATE TABLE "catalog_clock" (
  id boolean NOT NULL DEFAULT true,
  told_to timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT catalog_clock_id_check CHECK (id),
  CONSTRAINT catalog_clock_told_to_check CHECK (isfinite(told_to)),
  CONSTRAINT catalog_clock_pkey PRIMARY KEY (id)
);

CREATE TABLE "catalog_import" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  file text NOT NULL,
  body bytea,
  state text NOT NULL DEFAULT 'checked'::text,
  summary jsonb NOT NULL,
  before jsonb,
  by_person bigint NOT NULL DEFAULT 0,
  by_name text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  applied_at timestamp with time zone,
  undone_at timestamp with time zone,
  CONSTRAINT catalog_import_file_check CHECK ((length(file) <= 200)),
  CONSTRAINT catalog_import_state_check CHECK ((state = ANY (ARRAY['checked'::text, 'applied'::text, 'undone'::text]))),
  CONSTRAINT catalog_import_pkey PRIMARY KEY (id)
);

CREATE TABLE "catalog_import_count" (
  import_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  was integer NOT NULL,
  count integer NOT NULL,
  CONSTRAINT catalog_import_count_import_id_fkey FOREIGN KEY (import_id) REFERENCES catalog_import(id) ON DELETE CASCADE,
  CONSTRAINT catalog_import_count_pkey PRIMARY KEY (sku_id, import_id)
);

CREATE TABLE "checkout" (
  id text NOT NULL,
  cart_id bigint NOT NULL,
  cart_generation integer NOT NULL,
  quote_hash text NOT NULL,
  state text NOT NULL,
  member_id bigint,
  member_code text,
  email text,
  newsletter boolean NOT NULL DEFAULT false,
  agreed_at timestamp with time zone NOT NULL,
  quote jsonb NOT NULL,
  currency text NOT NULL DEFAULT 'usd'::text,
  item_subtotal bigint NOT NULL,
  item_discount bigint NOT NULL,
  shipping_subtotal bigint NOT NULL,
  shipping_discount bigint NOT NULL,
  total bigint NOT NULL,
  stripe_attempt integer NOT NULL DEFAULT 1,
  session_id text,
  url text,
  payment_intent text,
  expires_at timestamp with time zone NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  checked_at timestamp with time zone NOT NULL DEFAULT now(),
  owner text,
  round text,
  unclosed boolean NOT NULL DEFAULT false,
  asked_at timestamp with time zone,
  person text,
  client text,
  CONSTRAINT checkout_check CHECK ((total = (((item_subtotal - item_discount) + shipping_subtotal) - shipping_discount))),
  CONSTRAINT checkout_check1 CHECK ((((item_discount >= 0) AND (item_discount <= item_subtotal)) AND ((shipping_discount >= 0) AND (shipping_discount <= shipping_subtotal)))),
  CONSTRAINT checkout_finite CHECK ((isfinite(agreed_at) AND isfinite(expires_at) AND isfinite(created_at) AND isfinite(checked_at) AND isfinite(asked_at))) NOT VALID,
  CONSTRAINT checkout_state_check CHECK ((state = ANY (ARRAY['creating'::text, 'open'::text, 'pending'::text, 'paid'::text, 'expired'::text, 'failed'::text]))),
  CONSTRAINT checkout_pkey PRIMARY KEY (id),
  CONSTRAINT checkout_session_id_key UNIQUE (session_id)
);

CREATE TABLE "code_use" (
  checkout_id text NOT NULL,
  code_id bigint NOT NULL,
  customer text NOT NULL,
  person text,
  CONSTRAINT code_use_checkout_id_fkey FOREIGN KEY (checkout_id) REFERENCES checkout(id) ON DELETE CASCADE,
  CONSTRAINT code_use_code_id_fkey FOREIGN KEY (code_id) REFERENCES discount_code(id),
  CONSTRAINT code_use_pkey PRIMARY KEY (checkout_id, code_id)
);

CREATE TABLE "collection" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  address text NOT NULL,
  title text NOT NULL,
  text text NOT NULL DEFAULT ''::text,
  "position" integer NOT NULL DEFAULT 0,
  version integer NOT NULL DEFAULT 1,
  CONSTRAINT collection_address_check CHECK (((address ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (length(address) <= 100))),
  CONSTRAINT collection_text_check CHECK ((length(text) <= 5000)),
  CONSTRAINT collection_title_check CHECK (((length(title) >= 1) AND (length(title) <= 200))),
  CONSTRAINT collection_pkey PRIMARY KEY (id),
  CONSTRAINT collection_address_key UNIQUE (address)
);

CREATE TABLE "configuration" (
  key text NOT NULL,
  value text,
  version integer NOT NULL DEFAULT 1,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_by text NOT NULL DEFAULT ''::text,
  CONSTRAINT configuration_key_check CHECK ((length(key) <= 100)),
  CONSTRAINT configuration_pkey PRIMARY KEY (key)
);

CREATE TABLE "discount_batch" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  once text NOT NULL,
  made_at timestamp with time zone NOT NULL DEFAULT now(),
  made_by text NOT NULL,
  CONSTRAINT discount_batch_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
  CONSTRAINT discount_batch_pkey PRIMARY KEY (id),
  CONSTRAINT discount_batch_once_key UNIQUE (once)
);

CREATE TABLE "discount_code" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  code text NOT NULL,
  description text NOT NULL,
  start_date_time timestamp with time zone NOT NULL,
  end_date_time timestamp with time zone NOT NULL,
  combinable boolean NOT NULL DEFAULT false,
  type_id bigint NOT NULL,
  amount bigint NOT NULL,
  order_minimum_cents bigint NOT NULL DEFAULT 0,
  max_uses integer,
  max_uses_per_customer integer,
  uses integer NOT NULL DEFAULT 0,
  scope_id bigint,
  batch_id bigint,
  version integer NOT NULL DEFAULT 1,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_by text NOT NULL DEFAULT ''::text,
  CONSTRAINT discount_code_amount_check CHECK (((amount >= 0) AND (amount <= '9999999999'::bigint))),
  CONSTRAINT discount_code_code_check CHECK (((length(code) >= 1) AND (length(code) <= 100))),
  CONSTRAINT discount_code_description_check CHECK ((length(description) <= 500)),
  CONSTRAINT discount_code_max_uses_check CHECK ((max_uses >= 0)),
  CONSTRAINT discount_code_max_uses_per_customer_check CHECK ((max_uses_per_customer >= 0)),
  CONSTRAINT discount_code_order_minimum_cents_check CHECK (((order_minimum_cents >= 0) AND (order_minimum_cents <= '9999999999'::bigint))),
  CONSTRAINT discount_code_uses_check CHECK ((uses >= 0)),
  CONSTRAINT discount_code_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES discount_batch(id),
  CONSTRAINT discount_code_scope_id_fkey FOREIGN KEY (scope_id) REFERENCES discount_scope(id),
  CONSTRAINT discount_code_type_id_fkey FOREIGN KEY (type_id) REFERENCES discount_type(id),
  CONSTRAINT discount_code_pkey PRIMARY KEY (id),
  CONSTRAINT discount_code_code_key UNIQUE (code)
);

CREATE TABLE "discount_scope" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT discount_scope_pkey PRIMARY KEY (id)
);

CREATE TABLE "discount_scope_collection" (
  scope_id bigint NOT NULL,
  collection_id bigint NOT NULL,
  CONSTRAINT discount_scope_collection_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES collection(id) ON DELETE CASCADE,
  CONSTRAINT discount_scope_collection_scope_id_fkey FOREIGN KEY (scope_id) REFERENCES discount_scope(id) ON DELETE CASCADE,
  CONSTRAINT discount_scope_collection_pkey PRIMARY KEY (scope_id, collection_id)
);

CREATE TABLE "discount_scope_sku" (
  scope_id bigint NOT NULL,
  sku_id bigint NOT NULL,
  CONSTRAINT discount_scope_sku_scope_id_fkey FOREIGN KEY (scope_id) REFERENCES discount_scope(id) ON DELETE CASCADE,
  CONSTRAINT discount_scope_sku_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id) ON DELETE CASCADE,
  CONSTRAINT discount_scope_sku_pkey PRIMARY KEY (scope_id, sku_id)
);

CREATE TABLE "discount_type" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  title text NOT NULL,
  description text NOT NULL,
  applies_to text NOT NULL,
  action text NOT NULL,
  CONSTRAINT discount_type_action_check CHECK ((action = ANY (ARRAY['percent-off'::text, 'dollar-amt-off'::text, 'free-usps-ground-shipping'::text, 'free-digital-months'::text]))),
  CONSTRAINT discount_type_applies_to_check CHECK ((applies_to = ANY (ARRAY['item_total'::text, 'shipping'::text, 'subscription'::text]))),
  CONSTRAINT discount_type_description_check CHECK ((length(description) <= 500)),
  CONSTRAINT discount_type_title_check CHECK ((length(title) <= 100)),
  CONSTRAINT discount_type_pkey PRIMARY KEY (id)
);

CREATE TABLE "dispute" (
  id text NOT NULL,
  payment_intent text NOT NULL,
  amount bigint NOT NULL,
  withdrawn bigint NOT NULL,
  moves integer NOT NULL,
  currency text NOT NULL,
  reason text NOT NULL,
  status text NOT NULL,
  due_by timestamp with time zone,
  created_at timestamp with time zone NOT NULL,
  checked_at timestamp with time zone NOT NULL DEFAULT now(),
  noted text NOT NULL DEFAULT ''::text,
  lost_at timestamp with time zone,
  CONSTRAINT dispute_finite CHECK ((isfinite(due_by) AND isfinite(created_at) AND isfinite(checked_at))),
  CONSTRAINT dispute_pkey PRIMARY KEY (id)
);

CREATE TABLE "forgotten" (
  hash bytea NOT NULL,
  at timestamp with time zone NOT NULL,
  CONSTRAINT forgotten_pkey PRIMARY KEY (hash)
);

CREATE TABLE "history_told" (
  single boolean NOT NULL DEFAULT true,
  last_id bigint NOT NULL DEFAULT 0,
  until timestamp with time zone NOT NULL,
  CONSTRAINT history_told_single_check CHECK (single),
  CONSTRAINT history_told_pkey PRIMARY KEY (single)
);

CREATE TABLE "inbox" (
  consumer text NOT NULL,
  key text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  sequence bigint,
  published_at timestamp with time zone,
  attempt integer,
  trace text,
  CONSTRAINT inbox_pkey PRIMARY KEY (consumer, key)
);

CREATE TABLE "merged_member" (
  id bigint NOT NULL,
  into_id bigint NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT merged_member_pkey PRIMARY KEY (id)
);

CREATE TABLE "order_code" (
  order_id bigint NOT NULL,
  seq integer NOT NULL,
  code_id bigint NOT NULL,
  applied boolean NOT NULL,
  detail jsonb NOT NULL,
  CONSTRAINT order_code_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id) ON DELETE CASCADE,
  CONSTRAINT order_code_pkey PRIMARY KEY (order_id, seq),
  CONSTRAINT order_code_order_id_code_id_key UNIQUE (order_id, code_id)
);

CREATE TABLE "order_line" (
  order_id bigint NOT NULL,
  seq integer NOT NULL,
  sku_id bigint NOT NULL,
  quantity integer NOT NULL,
  price_cents bigint NOT NULL,
  product_title text,
  product_title_url text,
  product_identifier text,
  color text,
  size text,
  description text,
  full_price boolean NOT NULL DEFAULT false,
  CONSTRAINT order_line_quantity_check CHECK (((quantity >= 1) AND (quantity <= 99))),
  CONSTRAINT order_line_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id) ON DELETE CASCADE,
  CONSTRAINT order_line_pkey PRIMARY KEY (order_id, seq),
  CONSTRAINT order_line_order_id_sku_id_key UNIQUE (order_id, sku_id)
);

CREATE TABLE "order_status" (
  order_id bigint NOT NULL,
  status text NOT NULL,
  created_date_time timestamp with time zone NOT NULL DEFAULT now(),
  by_person bigint NOT NULL DEFAULT 0,
  by_name text NOT NULL DEFAULT ''::text,
  CONSTRAINT order_status_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id) ON DELETE CASCADE,
  CONSTRAINT order_status_status_fkey FOREIGN KEY (status) REFERENCES status(identifier),
  CONSTRAINT order_status_pkey PRIMARY KEY (order_id, status)
);

CREATE TABLE "orders" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  identifier text NOT NULL,
  checkout_id text NOT NULL,
  session_id text NOT NULL,
  payment_intent text,
  cart_id bigint NOT NULL,
  cart_generation integer NOT NULL,
  member_id bigint,
  prospect_code text,
  email text,
  customer_name text,
  currency text NOT NULL,
  item_subtotal bigint NOT NULL,
  item_discount bigint NOT NULL,
  shipping_subtotal bigint NOT NULL,
  shipping_discount bigint NOT NULL,
  sales_tax bigint NOT NULL DEFAULT 0,
  total bigint NOT NULL,
  shipping_method jsonb,
  tracking_number text,
  shipping_address jsonb,
  billing_address jsonb,
  agreed_with_terms_of_sale boolean NOT NULL,
  placed_at timestamp with time zone NOT NULL DEFAULT now(),
  version integer NOT NULL DEFAULT 1,
  canceled_at timestamp with time zone,
  current_status text,
  tax_included bigint NOT NULL DEFAULT 0,
  acted_at timestamp with time zone,
  acted_by text NOT NULL DEFAULT ''::text,
  acted_what text NOT NULL DEFAULT ''::text,
  event_id text,
  returned bigint NOT NULL DEFAULT 0,
  returned_version bigint NOT NULL DEFAULT 0,
  given_back jsonb NOT NULL DEFAULT '[]'::jsonb,
  given_back_version bigint NOT NULL DEFAULT 0,
  CONSTRAINT orders_check CHECK (((item_discount >= 0) AND (item_discount <= item_subtotal))),
  CONSTRAINT orders_check1 CHECK (((shipping_discount >= 0) AND (shipping_discount <= shipping_subtotal))),
  CONSTRAINT orders_check2 CHECK ((total = ((((item_subtotal - item_discount) + shipping_subtotal) - shipping_discount) + sales_tax))),
  CONSTRAINT orders_check3 CHECK (((tax_included >= 0) AND (tax_included <= total))),
  CONSTRAINT orders_finite CHECK (isfinite(placed_at)) NOT VALID,
  CONSTRAINT orders_item_subtotal_check CHECK ((item_subtotal >= 0)),
  CONSTRAINT orders_sales_tax_check CHECK ((sales_tax >= 0)),
  CONSTRAINT orders_shipping_subtotal_check CHECK ((shipping_subtotal >= 0)),
  CONSTRAINT orders_checkout_id_fkey FOREIGN KEY (checkout_id) REFERENCES checkout(id),
  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_cart_id_cart_generation_key UNIQUE (cart_id, cart_generation),
  CONSTRAINT orders_checkout_id_key UNIQUE (checkout_id),
  CONSTRAINT orders_identifier_key UNIQUE (identifier),
  CONSTRAINT orders_payment_intent_key UNIQUE (payment_intent),
  CONSTRAINT orders_session_id_key UNIQUE (session_id)
);

CREATE TABLE "outbox" (
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  key text NOT NULL,
  subject text NOT NULL,
  headers jsonb NOT NULL DEFAULT '{}'::jsonb,
  payload bytea NOT NULL,
  pending text[] NOT NULL DEFAULT '{}'::text[],
  attempts integer NOT NULL DEFAULT 0,
  next_at timestamp with time zone NOT NULL DEFAULT now(),
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT outbox_pkey PRIMARY KEY (seq),
  CONSTRAINT outbox_key_key UNIQUE (key)
);

CREATE TABLE "parked" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  consumer text NOT NULL,
  key text NOT NULL,
  subject text NOT NULL,
  headers jsonb NOT NULL DEFAULT '{}'::jsonb,
  payload bytea NOT NULL,
  reason text NOT NULL,
  attempts integer NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  resolved_at timestamp with time zone,
  resolved_by text,
  resolution text,
  note text,
  CONSTRAINT parked_resolution_check CHECK ((resolution = ANY (ARRAY['replayed'::text, 'dropped'::text]))),
  CONSTRAINT parked_pkey PRIMARY KEY (id),
  CONSTRAINT parked_consumer_key_key UNIQUE (consumer, key)
);

CREATE TABLE "payment_event" (
  event_id text NOT NULL,
  type text NOT NULL,
  payment_intent text NOT NULL,
  amount bigint,
  currency text,
  payload jsonb NOT NULL,
  at timestamp with time zone NOT NULL,
  CONSTRAINT payment_event_pkey PRIMARY KEY (event_id)
);

CREATE TABLE "payment_issue" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  reason text NOT NULL,
  explanation text NOT NULL,
  session_id text NOT NULL,
  payment_intent text,
  event_id text,
  amount bigint,
  currency text,
  payload jsonb NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  resolved_at timestamp with time zone,
  resolved_by text,
  resolution text,
  CONSTRAINT payment_issue_finite CHECK (isfinite(at)) NOT VALID,
  CONSTRAINT payment_issue_pkey PRIMARY KEY (id),
  CONSTRAINT payment_issue_session_id_reason_key UNIQUE (session_id, reason)
);

CREATE TABLE "picture_fetch" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  import_id bigint,
  product_id bigint NOT NULL,
  url text NOT NULL,
  state text NOT NULL DEFAULT 'waiting'::text,
  address text,
  trouble text NOT NULL DEFAULT ''::text,
  tries integer NOT NULL DEFAULT 0,
  due timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT picture_fetch_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'fetched'::text, 'failed'::text]))),
  CONSTRAINT picture_fetch_import_id_fkey FOREIGN KEY (import_id) REFERENCES catalog_import(id) ON DELETE SET NULL,
  CONSTRAINT picture_fetch_product_id_fkey FOREIGN KEY (product_id) REFERENCES product(id) ON DELETE CASCADE,
  CONSTRAINT picture_fetch_pkey PRIMARY KEY (id),
  CONSTRAINT picture_fetch_product_id_url_key UNIQUE (product_id, url)
);

CREATE TABLE "picture_to_make" (
  name text NOT NULL,
  tries integer NOT NULL DEFAULT 0,
  due timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT picture_to_make_pkey PRIMARY KEY (name)
);

CREATE TABLE "product" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  identifier text NOT NULL,
  title text NOT NULL,
  title_url text NOT NULL,
  headline text,
  description_part_1 text,
  description_part_2 text,
  search tsvector GENERATED ALWAYS AS STORED ((((setweight(to_tsvector('simple'::regconfig, title), 'A'::"char") || setweight(to_tsvector('english'::regconfig, title), 'A'::"char")) || setweight(to_tsvector('simple'::regconfig, COALESCE(headline, ''::text)), 'B'::"char")) || setweight(to_tsvector('english'::regconfig, COALESCE(headline, ''::text)), 'B'::"char")) || setweight(to_tsvector('english'::regconfig, ((COALESCE(description_part_1, ''::text) || ' '::text) || COALESCE(description_part_2, ''::text))), 'C'::"char")),
  published boolean NOT NULL DEFAULT true,
  on_sale_from timestamp with time zone,
  on_sale_until timestamp with time zone,
  retired_at timestamp with time zone,
  version integer NOT NULL DEFAULT 1,
  media_version integer NOT NULL DEFAULT 1,
  edited_by text NOT NULL DEFAULT ''::text,
  edited_at timestamp with time zone NOT NULL DEFAULT now(),
  sku_version integer NOT NULL DEFAULT 1,
  color_name text NOT NULL DEFAULT ''::text,
  size_name text NOT NULL DEFAULT ''::text,
  CONSTRAINT product_color_name_check CHECK ((length(color_name) <= 40)),
  CONSTRAINT product_description_part_1_check CHECK ((length(description_part_1) <= 5000)),
  CONSTRAINT product_description_part_2_check CHECK ((length(description_part_2) <= 5000)),
  CONSTRAINT product_edited_at_check CHECK (isfinite(edited_at)),
  CONSTRAINT product_headline_check CHECK ((length(headline) <= 5000)),
  CONSTRAINT product_identifier_check CHECK ((identifier ~ '^[A-Za-z0-9]{1,100}$'::text)),
  CONSTRAINT product_on_sale_from_check CHECK (isfinite(on_sale_from)),
  CONSTRAINT product_on_sale_until_check CHECK (isfinite(on_sale_until)),
  CONSTRAINT product_retired_at_check CHECK (isfinite(retired_at)),
  CONSTRAINT product_size_name_check CHECK ((length(size_name) <= 40)),
  CONSTRAINT product_title_check CHECK (((length(title) >= 1) AND (length(title) <= 200))),
  CONSTRAINT product_title_url_check CHECK ((length(title_url) <= 100)),
  CONSTRAINT product_pkey PRIMARY KEY (id),
  CONSTRAINT product_identifier_key UNIQUE (identifier)
);

CREATE TABLE "product_address" (
  address text NOT NULL,
  product_id bigint NOT NULL,
  CONSTRAINT product_address_address_check CHECK (((length(address) >= 1) AND (length(address) <= 100))),
  CONSTRAINT product_address_product_id_fkey FOREIGN KEY (product_id) REFERENCES product(id) ON DELETE CASCADE,
  CONSTRAINT product_address_pkey PRIMARY KEY (address)
);

CREATE TABLE "product_collection" (
  collection_id bigint NOT NULL,
  product_id bigint NOT NULL,
  "position" integer NOT NULL DEFAULT 0,
  CONSTRAINT product_collection_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES collection(id) ON DELETE CASCADE,
  CONSTRAINT product_collection_product_id_fkey FOREIGN KEY (product_id) REFERENCES product(id) ON DELETE CASCADE,
  CONSTRAINT product_collection_pkey PRIMARY KEY (collection_id, product_id)
);

CREATE TABLE "product_image" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  product_id bigint NOT NULL,
  image_url text NOT NULL,
  main_image boolean NOT NULL DEFAULT false,
  caption text,
  alternative_text text NOT NULL DEFAULT ''::text,
  CONSTRAINT product_image_alternative_text_check CHECK ((length(alternative_text) <= 500)),
  CONSTRAINT product_image_caption_check CHECK ((length(caption) <= 500)),
  CONSTRAINT product_image_image_url_check CHECK ((length(image_url) <= 500)),
  CONSTRAINT product_image_product_id_fkey FOREIGN KEY (product_id) REFERENCES product(id) ON DELETE CASCADE,
  CONSTRAINT product_image_pkey PRIMARY KEY (id)
);

CREATE TABLE "product_video" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  product_id bigint NOT NULL,
  video_url text NOT NULL,
  video_thumbnail_url text NOT NULL,
  caption text,
  CONSTRAINT product_video_caption_check CHECK ((length(caption) <= 500)),
  CONSTRAINT product_video_video_thumbnail_url_check CHECK ((length(video_thumbnail_url) <= 500)),
  CONSTRAINT product_video_video_url_check CHECK ((length(video_url) <= 500)),
  CONSTRAINT product_video_product_id_fkey FOREIGN KEY (product_id) REFERENCES product(id) ON DELETE CASCADE,
  CONSTRAINT product_video_pkey PRIMARY KEY (id)
);

CREATE TABLE "prospect" (
  email text NOT NULL,
  code text NOT NULL,
  version bigint NOT NULL DEFAULT 0,
  CONSTRAINT prospect_pkey PRIMARY KEY (email)
);

CREATE TABLE "refund" (
  id text NOT NULL,
  payment_intent text NOT NULL,
  origin text NOT NULL,
  stripe_id text,
  amount bigint NOT NULL,
  shipping bigint NOT NULL DEFAULT 0,
  currency text NOT NULL,
  state text NOT NULL,
  reason text NOT NULL DEFAULT ''::text,
  note text NOT NULL DEFAULT ''::text,
  failure text NOT NULL DEFAULT ''::text,
  with_cancel boolean NOT NULL DEFAULT false,
  by_person bigint NOT NULL DEFAULT 0,
  by_name text NOT NULL DEFAULT ''::text,
  attempts integer NOT NULL DEFAULT 0,
  next_at timestamp with time zone NOT NULL DEFAULT now(),
  trouble text NOT NULL DEFAULT ''::text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  checked_at timestamp with time zone NOT NULL DEFAULT now(),
  told_at timestamp with time zone,
  noted_at timestamp with time zone,
  succeeded_at timestamp with time zone,
  CONSTRAINT refund_amount_check CHECK ((amount > 0)),
  CONSTRAINT refund_check CHECK (((shipping >= 0) AND (shipping <= amount))),
  CONSTRAINT refund_check1 CHECK (((origin = 'shop'::text) OR (stripe_id IS NOT NULL))),
  CONSTRAINT refund_finite CHECK ((isfinite(created_at) AND isfinite(next_at) AND isfinite(checked_at))),
  CONSTRAINT refund_note_check CHECK ((length(note) <= 1000)),
  CONSTRAINT refund_origin_check CHECK ((origin = ANY (ARRAY['shop'::text, 'stripe'::text]))),
  CONSTRAINT refund_reason_check CHECK ((reason = ANY (ARRAY[''::text, 'duplicate'::text, 'fraudulent'::text, 'requested_by_customer'::text]))),
  CONSTRAINT refund_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'pending'::text, 'succeeded'::text, 'failed'::text, 'canceled'::text]))),
  CONSTRAINT refund_pkey PRIMARY KEY (id),
  CONSTRAINT refund_stripe_id_key UNIQUE (stripe_id)
);

CREATE TABLE "refund_line" (
  refund_id text NOT NULL,
  order_id bigint NOT NULL,
  seq integer NOT NULL,
  quantity integer NOT NULL,
  restocked boolean NOT NULL,
  taken_back integer NOT NULL DEFAULT 0,
  CONSTRAINT refund_line_quantity_check CHECK ((quantity > 0)),
  CONSTRAINT refund_line_order_id_seq_fkey FOREIGN KEY (order_id, seq) REFERENCES order_line(order_id, seq) ON DELETE CASCADE,
  CONSTRAINT refund_line_refund_id_fkey FOREIGN KEY (refund_id) REFERENCES refund(id) ON DELETE CASCADE,
  CONSTRAINT refund_line_pkey PRIMARY KEY (refund_id, seq)
);

CREATE TABLE "reservation" (
  checkout_id text NOT NULL,
  sku_id bigint NOT NULL,
  quantity integer NOT NULL,
  CONSTRAINT reservation_quantity_check CHECK ((quantity > 0)),
  CONSTRAINT reservation_checkout_id_fkey FOREIGN KEY (checkout_id) REFERENCES checkout(id) ON DELETE CASCADE,
  CONSTRAINT reservation_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id),
  CONSTRAINT reservation_pkey PRIMARY KEY (checkout_id, sku_id)
);

CREATE TABLE "restock_declined" (
  address text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT restock_declined_pkey PRIMARY KEY (address)
);

CREATE TABLE "restock_told" (
  id bigint NOT NULL,
  sku_id bigint NOT NULL,
  email text NOT NULL,
  address text NOT NULL,
  at timestamp with time zone NOT NULL,
  told_at timestamp with time zone NOT NULL DEFAULT now(),
  held boolean NOT NULL DEFAULT false,
  CONSTRAINT restock_told_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id) ON DELETE CASCADE,
  CONSTRAINT restock_told_pkey PRIMARY KEY (id)
);

CREATE TABLE "restock_wish" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  sku_id bigint NOT NULL,
  email text NOT NULL,
  address text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT restock_wish_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id) ON DELETE CASCADE,
  CONSTRAINT restock_wish_pkey PRIMARY KEY (id),
  CONSTRAINT restock_wish_sku_id_address_key UNIQUE (sku_id, address)
);

CREATE TABLE "search_word" (
  word text NOT NULL,
  CONSTRAINT search_word_word_check CHECK ((length(word) <= 100)),
  CONSTRAINT search_word_pkey PRIMARY KEY (word)
);

CREATE TABLE "shipment" (
  id text NOT NULL,
  order_id bigint NOT NULL,
  carrier text NOT NULL,
  tracking_base_url text NOT NULL DEFAULT ''::text,
  tracking_number text NOT NULL DEFAULT ''::text,
  shipped_at timestamp with time zone NOT NULL DEFAULT now(),
  mail_at timestamp with time zone NOT NULL,
  told_at timestamp with time zone,
  corrections integer NOT NULL DEFAULT 0,
  by_person bigint NOT NULL DEFAULT 0,
  by_name text NOT NULL,
  CONSTRAINT shipment_carrier_check CHECK ((length(carrier) <= 100)),
  CONSTRAINT shipment_finite CHECK ((isfinite(shipped_at) AND isfinite(mail_at))),
  CONSTRAINT shipment_tracking_base_url_check CHECK ((length(tracking_base_url) <= 200)),
  CONSTRAINT shipment_tracking_number_check CHECK ((length(tracking_number) <= 100)),
  CONSTRAINT shipment_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id) ON DELETE CASCADE,
  CONSTRAINT shipment_pkey PRIMARY KEY (id)
);

CREATE TABLE "shipment_line" (
  shipment_id text NOT NULL,
  order_id bigint NOT NULL,
  seq integer NOT NULL,
  quantity integer NOT NULL,
  CONSTRAINT shipment_line_quantity_check CHECK ((quantity > 0)),
  CONSTRAINT shipment_line_order_id_seq_fkey FOREIGN KEY (order_id, seq) REFERENCES order_line(order_id, seq) ON DELETE CASCADE,
  CONSTRAINT shipment_line_shipment_id_fkey FOREIGN KEY (shipment_id) REFERENCES shipment(id) ON DELETE CASCADE,
  CONSTRAINT shipment_line_pkey PRIMARY KEY (shipment_id, seq)
);

CREATE TABLE "shipment_undone" (
  id text NOT NULL,
  order_id bigint NOT NULL,
  carrier text NOT NULL,
  tracking_number text NOT NULL,
  shipped_at timestamp with time zone NOT NULL,
  shipped_by text NOT NULL,
  undone_at timestamp with time zone NOT NULL DEFAULT now(),
  by_person bigint NOT NULL DEFAULT 0,
  by_name text NOT NULL,
  CONSTRAINT shipment_undone_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id) ON DELETE CASCADE,
  CONSTRAINT shipment_undone_pkey PRIMARY KEY (id)
);

CREATE TABLE "shipping_method" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  identifier text NOT NULL,
  carrier text NOT NULL,
  shipping_cost_cents bigint NOT NULL,
  tracking_code_base_url text NOT NULL DEFAULT ''::text,
  active boolean NOT NULL DEFAULT true,
  price_by text NOT NULL DEFAULT 'flat'::text,
  steps jsonb NOT NULL DEFAULT '[]'::jsonb,
  free_above_cents bigint,
  version integer NOT NULL DEFAULT 1,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_by text NOT NULL DEFAULT ''::text,
  CONSTRAINT shipping_method_carrier_check CHECK ((length(carrier) <= 100)),
  CONSTRAINT shipping_method_free_above_cents_check CHECK (((free_above_cents >= 0) AND (free_above_cents <= '9999999999'::bigint))),
  CONSTRAINT shipping_method_identifier_check CHECK ((length(identifier) <= 100)),
  CONSTRAINT shipping_method_price_by_check CHECK ((price_by = ANY (ARRAY['flat'::text, 'weight'::text, 'total'::text]))),
  CONSTRAINT shipping_method_shipping_cost_cents_check CHECK (((shipping_cost_cents >= 0) AND (shipping_cost_cents <= '9999999999'::bigint))),
  CONSTRAINT shipping_method_steps_check CHECK ((jsonb_typeof(steps) = 'array'::text)),
  CONSTRAINT shipping_method_stripe CHECK ((shipping_cost_cents <= 99999999)) NOT VALID,
  CONSTRAINT shipping_method_tracking_code_base_url_check CHECK ((length(tracking_code_base_url) <= 200)),
  CONSTRAINT shipping_method_pkey PRIMARY KEY (id),
  CONSTRAINT shipping_method_identifier_key UNIQUE (identifier)
);

CREATE TABLE "sku" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  product_id bigint,
  inventory_id bigint NOT NULL,
  color text,
  size text,
  description text,
  stock integer,
  quoted_at timestamp with time zone,
  retired_at timestamp with time zone,
  code text,
  back_order boolean NOT NULL DEFAULT false,
  weight_grams integer,
  weight_version bigint NOT NULL DEFAULT 0,
  weighed_at timestamp with time zone,
  weighed_by text NOT NULL DEFAULT ''::text,
  CONSTRAINT sku_code_check CHECK (((length(code) >= 1) AND (length(code) <= 100))),
  CONSTRAINT sku_color_check CHECK ((length(color) <= 500)),
  CONSTRAINT sku_description_check CHECK ((length(description) <= 1000)),
  CONSTRAINT sku_size_check CHECK ((length(size) <= 500)),
  CONSTRAINT sku_stock_check CHECK (((stock >= 0) OR back_order)),
  CONSTRAINT sku_weight_grams_check CHECK (((weight_grams >= 0) AND (weight_grams <= 10000000))),
  CONSTRAINT sku_inventory_id_fkey FOREIGN KEY (inventory_id) REFERENCES sku_inventory(id),
  CONSTRAINT sku_product_id_fkey FOREIGN KEY (product_id) REFERENCES product(id),
  CONSTRAINT sku_pkey PRIMARY KEY (id)
);

CREATE TABLE "sku_image" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  sku_id bigint NOT NULL,
  image_url text NOT NULL,
  main_image boolean NOT NULL DEFAULT false,
  caption text,
  alternative_text text NOT NULL DEFAULT ''::text,
  CONSTRAINT sku_image_alternative_text_check CHECK ((length(alternative_text) <= 500)),
  CONSTRAINT sku_image_caption_check CHECK ((length(caption) <= 500)),
  CONSTRAINT sku_image_image_url_check CHECK ((length(image_url) <= 500)),
  CONSTRAINT sku_image_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id) ON DELETE CASCADE,
  CONSTRAINT sku_image_pkey PRIMARY KEY (id)
);

CREATE TABLE "sku_inventory" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  identifier text NOT NULL,
  title text NOT NULL,
  description text,
  version integer NOT NULL DEFAULT 1,
  CONSTRAINT sku_inventory_description_check CHECK ((length(description) <= 500)),
  CONSTRAINT sku_inventory_identifier_check CHECK ((length(identifier) <= 100)),
  CONSTRAINT sku_inventory_title_check CHECK ((length(title) <= 100)),
  CONSTRAINT sku_inventory_pkey PRIMARY KEY (id),
  CONSTRAINT sku_inventory_identifier_key UNIQUE (identifier)
);

CREATE TABLE "sku_price" (
  id bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  sku_id bigint NOT NULL,
  price_cents bigint NOT NULL,
  created_date_time timestamp with time zone NOT NULL DEFAULT now(),
  by_name text NOT NULL DEFAULT ''::text,
  noted_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT sku_price_noted_at_check CHECK (isfinite(noted_at)),
  CONSTRAINT sku_price_price_cents_check CHECK (((price_cents >= 1) AND (price_cents <= '9999999999'::bigint))),
  CONSTRAINT sku_price_stripe CHECK ((price_cents <= 99999999)) NOT VALID,
  CONSTRAINT sku_price_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id) ON DELETE CASCADE,
  CONSTRAINT sku_price_pkey PRIMARY KEY (id)
);

CREATE TABLE "sku_sale" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  sku_id bigint NOT NULL,
  price_cents bigint NOT NULL,
  starts_at timestamp with time zone NOT NULL,
  ends_at timestamp with time zone,
  by_name text NOT NULL DEFAULT ''::text,
  noted_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT sku_sale_check CHECK ((isfinite(ends_at) AND (ends_at >= starts_at))),
  CONSTRAINT sku_sale_noted_at_check CHECK (isfinite(noted_at)),
  CONSTRAINT sku_sale_price_cents_check CHECK (((price_cents >= 1) AND (price_cents <= 99999999))),
  CONSTRAINT sku_sale_starts_at_check CHECK (isfinite(starts_at)),
  CONSTRAINT sku_sale_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id) ON DELETE CASCADE,
  CONSTRAINT sku_sale_pkey PRIMARY KEY (id)
);

CREATE TABLE "staff_note" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  order_id bigint NOT NULL,
  text text NOT NULL,
  mailed boolean NOT NULL,
  by_person bigint NOT NULL DEFAULT 0,
  by_name text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT staff_note_text_check CHECK ((length(text) <= 2000)),
  CONSTRAINT staff_note_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id) ON DELETE CASCADE,
  CONSTRAINT staff_note_pkey PRIMARY KEY (id)
);

CREATE TABLE "staff_view" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  person_id bigint NOT NULL,
  name text NOT NULL,
  query text NOT NULL,
  CONSTRAINT staff_view_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60))),
  CONSTRAINT staff_view_query_check CHECK ((length(query) <= 2000)),
  CONSTRAINT staff_view_pkey PRIMARY KEY (id),
  CONSTRAINT staff_view_person_id_name_key UNIQUE (person_id, name)
);

CREATE TABLE "status" (
  identifier text NOT NULL,
  title text NOT NULL,
  description text NOT NULL,
  "position" integer NOT NULL,
  version integer NOT NULL DEFAULT 1,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_by text NOT NULL DEFAULT ''::text,
  CONSTRAINT status_description_check CHECK ((length(description) <= 500)),
  CONSTRAINT status_identifier_check CHECK ((length(identifier) <= 100)),
  CONSTRAINT status_title_check CHECK ((length(title) <= 100)),
  CONSTRAINT status_pkey PRIMARY KEY (identifier)
);

CREATE TABLE "stock_change" (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  sku_id bigint NOT NULL,
  change integer,
  stock integer,
  reason text NOT NULL,
  note text NOT NULL DEFAULT ''::text,
  by_person bigint NOT NULL DEFAULT 0,
  by_name text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT stock_change_note_check CHECK ((length(note) <= 500)),
  CONSTRAINT stock_change_reason_check CHECK ((reason = ANY (ARRAY['counted'::text, 'received'::text, 'returned'::text, 'damaged'::text, 'sold-elsewhere'::text, 'correction'::text, 'import'::text]))),
  CONSTRAINT stock_change_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES sku(id) ON DELETE CASCADE,
  CONSTRAINT stock_change_pkey PRIMARY KEY (id)
);

CREATE TABLE "sweep" (
  id boolean NOT NULL DEFAULT true,
  lease_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
  finished_at timestamp with time zone NOT NULL DEFAULT now(),
  listed_to timestamp with time zone NOT NULL DEFAULT (now() - '3 days'::interval),
  refunds_listed_to timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT sweep_finite CHECK ((isfinite(finished_at) AND isfinite(listed_to))) NOT VALID,
  CONSTRAINT sweep_id_check CHECK (id),
  CONSTRAINT sweep_refunds_finite CHECK (isfinite(refunds_listed_to)) NOT VALID,
  CONSTRAINT sweep_pkey PRIMARY KEY (id)
);

CREATE TABLE "unsettled" (
  session_id text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  noted_at timestamp with time zone NOT NULL DEFAULT now(),
  cause text NOT NULL,
  CONSTRAINT unsettled_pkey PRIMARY KEY (session_id)
);

CREATE INDEX automatic_mail_at ON "order".automatic_mail USING btree (at);
CREATE INDEX automatic_mail_email ON "order".automatic_mail USING btree (email, kind, at);
CREATE INDEX cart_merge_member ON "order".cart_merge USING btree (member_id);
CREATE INDEX cart_merge_to ON "order".cart_merge USING btree (to_cart_id);
CREATE INDEX cart_receipt ON "order".cart USING btree (lower(receipt_email)) WHERE (receipt_email IS NOT NULL);
CREATE INDEX catalog_change_at ON "order".catalog_change USING btree (at);
CREATE INDEX catalog_import_count_import ON "order".catalog_import_count USING btree (import_id);
CREATE INDEX catalog_import_kept ON "order".catalog_import USING btree (at) WHERE ((body IS NOT NULL) OR (before IS NOT NULL));
CREATE INDEX checkout_email ON "order".checkout USING btree (lower(email)) WHERE (email IS NOT NULL);
CREATE INDEX checkout_ended ON "order".checkout USING btree (expires_at) WHERE (state = ANY (ARRAY['expired'::text, 'failed'::text]));
CREATE INDEX checkout_member ON "order".checkout USING btree (member_id) WHERE (member_id IS NOT NULL);
CREATE INDEX checkout_owner ON "order".checkout USING btree (owner);
CREATE INDEX checkout_round ON "order".checkout USING btree (round) WHERE (round IS NOT NULL);
CREATE INDEX checkout_to_check ON "order".checkout USING btree (checked_at) WHERE (state = ANY (ARRAY['creating'::text, 'open'::text, 'pending'::text]));
CREATE INDEX checkout_unclosed ON "order".checkout USING btree (checked_at) WHERE unclosed;
CREATE INDEX checkout_unsettled ON "order".checkout USING btree (cart_id) WHERE ((state = ANY (ARRAY['creating'::text, 'open'::text, 'pending'::text])) OR unclosed);
CREATE INDEX code_use_person ON "order".code_use USING btree (code_id, person);
CREATE INDEX code_use_whose ON "order".code_use USING btree (customer, code_id);
CREATE INDEX discount_code_batch ON "order".discount_code USING btree (batch_id, id DESC);
CREATE INDEX discount_code_begins ON "order".discount_code USING btree (lower(code) text_pattern_ops);
CREATE INDEX discount_code_scope ON "order".discount_code USING btree (scope_id) WHERE (scope_id IS NOT NULL);
CREATE INDEX discount_scope_collection_collection ON "order".discount_scope_collection USING btree (collection_id);
CREATE INDEX discount_scope_sku_sku ON "order".discount_scope_sku USING btree (sku_id);
CREATE INDEX dispute_payment ON "order".dispute USING btree (payment_intent);
CREATE INDEX dispute_to_check ON "order".dispute USING btree (checked_at) WHERE (status <> ALL (ARRAY['won'::text, 'lost'::text, 'warning_closed'::text]));
CREATE INDEX inbox_at ON "order".inbox USING btree (at);
CREATE INDEX merged_member_at ON "order".merged_member USING btree (at);
CREATE INDEX merged_member_into ON "order".merged_member USING btree (into_id);
CREATE INDEX order_code_orders ON "order".order_code USING btree (code_id, order_id);
CREATE INDEX order_line_orders ON "order".order_line USING btree (sku_id, order_id);
CREATE INDEX orders_by_total ON "order".orders USING btree (total DESC, id DESC);
CREATE INDEX orders_email_begins ON "order".orders USING btree (lower(email) text_pattern_ops);
CREATE INDEX orders_event ON "order".orders USING btree (event_id) WHERE (event_id IS NOT NULL);
CREATE INDEX orders_identifier_begins ON "order".orders USING btree (identifier text_pattern_ops);
CREATE INDEX orders_member ON "order".orders USING btree (member_id, placed_at DESC);
CREATE INDEX orders_name_like ON "order".orders USING gin (lower(customer_name) gin_trgm_ops);
CREATE INDEX orders_of_status ON "order".orders USING btree (current_status, placed_at DESC, id DESC);
CREATE INDEX orders_placed ON "order".orders USING btree (placed_at DESC, id DESC);
CREATE INDEX orders_prospect ON "order".orders USING btree (prospect_code) WHERE (prospect_code IS NOT NULL);
CREATE INDEX orders_tracking_any ON "order".orders USING btree (lower(tracking_number) text_pattern_ops) WHERE (tracking_number IS NOT NULL);
CREATE INDEX orders_tracking_begins ON "order".orders USING btree (tracking_number text_pattern_ops) WHERE (tracking_number IS NOT NULL);
CREATE INDEX outbox_next_at ON "order".outbox USING btree (next_at);
CREATE INDEX parked_open ON "order".parked USING btree (id) WHERE (resolved_at IS NULL);
CREATE INDEX payment_event_intent ON "order".payment_event USING btree (payment_intent);
CREATE INDEX payment_issue_open ON "order".payment_issue USING btree (at) WHERE (resolved_at IS NULL);
CREATE INDEX payment_issue_payment ON "order".payment_issue USING btree (payment_intent) WHERE (payment_intent IS NOT NULL);
CREATE INDEX picture_fetch_due ON "order".picture_fetch USING btree (due) WHERE (state = 'waiting'::text);
CREATE INDEX picture_fetch_import ON "order".picture_fetch USING btree (import_id);
CREATE INDEX picture_to_make_due ON "order".picture_to_make USING btree (due);
CREATE INDEX product_address_product ON "order".product_address USING btree (product_id);
CREATE INDEX product_collection_product ON "order".product_collection USING btree (product_id);
CREATE INDEX product_image_product ON "order".product_image USING btree (product_id);
CREATE INDEX product_on_sale_from ON "order".product USING btree (on_sale_from) WHERE (on_sale_from IS NOT NULL);
CREATE INDEX product_on_sale_until ON "order".product USING btree (on_sale_until) WHERE (on_sale_until IS NOT NULL);
CREATE INDEX product_search ON "order".product USING gin (search);
CREATE INDEX product_video_product ON "order".product_video USING btree (product_id);
CREATE INDEX prospect_code ON "order".prospect USING btree (code);
CREATE INDEX refund_line_order ON "order".refund_line USING btree (order_id, seq);
CREATE INDEX refund_payment ON "order".refund USING btree (payment_intent);
CREATE INDEX refund_pending ON "order".refund USING btree (checked_at) WHERE (state = 'pending'::text);
CREATE INDEX refund_to_make ON "order".refund USING btree (next_at) WHERE (state = 'requested'::text);
CREATE INDEX refund_to_tell ON "order".refund USING btree (created_at) WHERE ((told_at IS NULL) AND (state = ANY (ARRAY['pending'::text, 'succeeded'::text])));
CREATE INDEX reservation_sku ON "order".reservation USING btree (sku_id);
CREATE INDEX restock_told_at ON "order".restock_told USING btree (told_at);
CREATE INDEX restock_told_email ON "order".restock_told USING btree (lower(email));
CREATE INDEX restock_told_sku ON "order".restock_told USING btree (sku_id);
CREATE INDEX restock_wish_address ON "order".restock_wish USING btree (address);
CREATE INDEX restock_wish_email ON "order".restock_wish USING btree (lower(email));
CREATE INDEX search_word_begins ON "order".search_word USING btree (word text_pattern_ops);
CREATE INDEX search_word_near ON "order".search_word USING gist (word gist_trgm_ops);
CREATE INDEX shipment_line_order ON "order".shipment_line USING btree (order_id, seq);
CREATE INDEX shipment_order ON "order".shipment USING btree (order_id);
CREATE INDEX shipment_shipped ON "order".shipment USING btree (shipped_at);
CREATE INDEX shipment_to_tell ON "order".shipment USING btree (mail_at) WHERE (told_at IS NULL);
CREATE INDEX shipment_tracking ON "order".shipment USING btree (tracking_number text_pattern_ops) WHERE (tracking_number <> ''::text);
CREATE INDEX shipment_tracking_any ON "order".shipment USING btree (lower(tracking_number) text_pattern_ops) WHERE (tracking_number <> ''::text);
CREATE INDEX shipment_undone_order ON "order".shipment_undone USING btree (order_id);
CREATE INDEX sku_image_sku ON "order".sku_image USING btree (sku_id);
CREATE INDEX sku_price_newest ON "order".sku_price USING btree (sku_id, created_date_time DESC, id DESC);
CREATE INDEX sku_price_planned ON "order".sku_price USING btree (created_date_time) WHERE (created_date_time > noted_at);
CREATE INDEX sku_product ON "order".sku USING btree (product_id);
CREATE INDEX sku_sale_ends ON "order".sku_sale USING btree (ends_at) WHERE (ends_at IS NOT NULL);
CREATE INDEX sku_sale_of ON "order".sku_sale USING btree (sku_id, starts_at DESC, id DESC);
CREATE INDEX sku_sale_planned ON "order".sku_sale USING btree (starts_at) WHERE (starts_at > noted_at);
CREATE INDEX staff_note_order ON "order".staff_note USING btree (order_id);
CREATE INDEX stock_change_of ON "order".stock_change USING btree (sku_id, id DESC);
CREATE UNIQUE INDEX checkout_live ON "order".checkout USING btree (cart_id, cart_generation, quote_hash) WHERE (state = ANY (ARRAY['creating'::text, 'open'::text]));
CREATE UNIQUE INDEX product_image_one_main ON "order".product_image USING btree (product_id) WHERE main_image;
CREATE UNIQUE INDEX sku_code ON "order".sku USING btree (code);

CREATE OR REPLACE FUNCTION "order".catalog_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'order'
AS $function$
BEGIN
  INSERT INTO outbox (key, subject, payload) VALUES ('catalog:' || pg_current_xact_id(), 'catalog.changed', '{}') ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$function$
;
CREATE OR REPLACE FUNCTION "order".catalog_noted()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'order'
AS $function$
BEGIN
  CASE TG_ARGV[0]
  WHEN 'identifier' THEN
    INSERT INTO catalog_change (product) SELECT identifier FROM changed ON CONFLICT DO NOTHING;
  WHEN 'product_id' THEN
    INSERT INTO catalog_change (product)
    SELECT DISTINCT p.identifier FROM changed JOIN product p ON p.id = changed.product_id ON CONFLICT DO NOTHING;
  WHEN 'sku_id' THEN
    INSERT INTO catalog_change (product)
    SELECT DISTINCT p.identifier FROM changed JOIN sku s ON s.id = changed.sku_id JOIN product p ON p.id = s.product_id
    ON CONFLICT DO NOTHING;
  ELSE
    INSERT INTO catalog_change (product) SELECT '' WHERE EXISTS (SELECT FROM changed) ON CONFLICT DO NOTHING;
  END CASE;
  RETURN NULL;
END
$function$
;
CREATE OR REPLACE FUNCTION "order".catalog_sku_noted()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'order'
AS $function$
BEGIN
  INSERT INTO catalog_change (product) SELECT identifier FROM product WHERE id IN (OLD.product_id, NEW.product_id)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$function$
;
CREATE OR REPLACE FUNCTION "order".on_sale(p product)
 RETURNS boolean
 LANGUAGE sql
 STABLE
RETURN ((p).published AND ((p).retired_at IS NULL) AND (((p).on_sale_from IS NULL) OR ((p).on_sale_from <= now())) AND (((p).on_sale_until IS NULL) OR ((p).on_sale_until > now())))
;
CREATE OR REPLACE FUNCTION "order".order_status_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'order'
AS $function$
BEGIN
  UPDATE orders o SET current_status = n.status
  FROM (SELECT DISTINCT ON (c.order_id) c.order_id, s.status FROM (SELECT DISTINCT order_id FROM changed) c
    LEFT JOIN (order_status s JOIN status k ON k.identifier = s.status) ON s.order_id = c.order_id
    ORDER BY c.order_id, s.created_date_time DESC, k.position DESC) n
  WHERE o.id = n.order_id AND o.current_status IS DISTINCT FROM n.status;
  RETURN NULL;
END
$function$
;
CREATE OR REPLACE FUNCTION "order".picture_here(of_product bigint, found_at text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
RETURN ((found_at ~~ '/%'::text) OR (NOT (EXISTS (SELECT FROM picture_fetch f WHERE ((f.product_id = picture_here.of_product) AND (f.url = picture_here.found_at) AND (f.state <> 'fetched'::text))))))
;
CREATE OR REPLACE FUNCTION "order".retire_sku()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'order'
AS $function$
BEGIN
  IF OLD.quoted_at IS NULL THEN
    RETURN OLD;
  END IF;
  UPDATE sku SET product_id = NULL, retired_at = coalesce(retired_at, now()) WHERE id = OLD.id;
  RAISE NOTICE 'SKU % was in a quote: it is retired instead of deleted', OLD.id;
  RETURN NULL;
END
$function$
;
CREATE OR REPLACE FUNCTION "order".search_words_noted()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'order'
AS $function$
BEGIN
  INSERT INTO search_word (word)
  SELECT word FROM (SELECT DISTINCT unnest(tsvector_to_array(to_tsvector('simple', concat_ws(' ', title, headline, description_part_1, description_part_2)))) AS word FROM changed) AS words
  WHERE length(word) BETWEEN 3 AND 100 ORDER BY word ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$function$
;

CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".collection FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".product FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".product_collection FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".product_image FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".product_video FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".shipping_method FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".sku_image FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".sku_inventory FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".sku_price FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON "order".sku_sale FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE ON "order".configuration FOR EACH ROW WHEN ((new.key ~~ 'shop\_%'::text)) EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER UPDATE ON "order".sku FOR EACH ROW WHEN ((((((((old.product_id IS DISTINCT FROM new.product_id) OR (old.inventory_id IS DISTINCT FROM new.inventory_id)) OR (old.color IS DISTINCT FROM new.color)) OR (old.size IS DISTINCT FROM new.size)) OR (old.description IS DISTINCT FROM new.description)) OR (old.back_order IS DISTINCT FROM new.back_order)) OR ((old.stock <= 0) IS DISTINCT FROM (new.stock <= 0)))) EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_grown AFTER INSERT OR DELETE ON "order".sku FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_noted AFTER UPDATE ON "order".sku FOR EACH ROW WHEN ((((((((old.product_id IS DISTINCT FROM new.product_id) OR (old.inventory_id IS DISTINCT FROM new.inventory_id)) OR (old.color IS DISTINCT FROM new.color)) OR (old.size IS DISTINCT FROM new.size)) OR (old.description IS DISTINCT FROM new.description)) OR (old.back_order IS DISTINCT FROM new.back_order)) OR ((old.stock <= 0) IS DISTINCT FROM (new.stock <= 0)))) EXECUTE FUNCTION catalog_sku_noted();
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".collection REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".product REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('identifier');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".product_collection REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".product_image REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".product_video REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".sku_image REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".sku_inventory REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".sku_price REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_after AFTER UPDATE ON "order".sku_sale REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_before AFTER UPDATE ON "order".collection REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('');
CREATE TRIGGER catalog_noted_before AFTER UPDATE ON "order".product REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('identifier');
CREATE TRIGGER catalog_noted_before AFTER UPDATE ON "order".product_collection REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_before AFTER UPDATE ON "order".product_image REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_before AFTER UPDATE ON "order".product_video REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_before AFTER UPDATE ON "order".sku_image REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_before AFTER UPDATE ON "order".sku_inventory REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('');
CREATE TRIGGER catalog_noted_before AFTER UPDATE ON "order".sku_price REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".collection REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".product REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('identifier');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".product_collection REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".product_image REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".product_video REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".sku REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".sku_image REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".sku_inventory REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".sku_price REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_gone AFTER DELETE ON "order".sku_sale REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".collection REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".product REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('identifier');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".product_collection REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".product_image REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".product_video REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".sku REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('product_id');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".sku_image REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".sku_inventory REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".sku_price REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER catalog_noted_new AFTER INSERT ON "order".sku_sale REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog_noted('sku_id');
CREATE TRIGGER order_status_added AFTER INSERT ON "order".order_status REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_status_changed();
CREATE TRIGGER order_status_edited AFTER UPDATE ON "order".order_status REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_status_changed();
CREATE TRIGGER order_status_removed AFTER DELETE ON "order".order_status REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_status_changed();
CREATE TRIGGER retire_sku BEFORE DELETE ON "order".sku FOR EACH ROW EXECUTE FUNCTION retire_sku();
CREATE TRIGGER search_words_after AFTER UPDATE ON "order".product REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_words_noted();
CREATE TRIGGER search_words_new AFTER INSERT ON "order".product REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_words_noted();
