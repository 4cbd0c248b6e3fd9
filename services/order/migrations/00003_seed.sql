-- +goose Up

-- The sample shop. Ids are fixed because old links and clients know them; sequences follow.
INSERT INTO configuration (key, value) VALUES
  ('usernames_allowed_to_checkout', '*'),
  ('an_ct_values_allowed_to_checkout', '*'),
  ('default_shipping_method', 'USPSRetailGround'),
  ('initial_order_status', 'accepted'),
  ('order_confirmation_em_cd_member', 'gvREoqen93ffZsmBIc8zl'),
  ('order_confirmation_em_cd_prospect', 'FpGyZy6kld9R2XTjqvBQN');

INSERT INTO status (identifier, title, description, position) VALUES
  ('accepted', 'Accepted', 'We have your order and your payment.', 1),
  ('manufacturing', 'Manufacturing', 'Your order is being made.', 2),
  ('packing', 'Packing', 'Your order is being packed.', 3),
  ('shipped', 'Shipped', 'Your order is on its way to you.', 4);

INSERT INTO sku_inventory (id, identifier, title, description) VALUES
  (1, 'in-stock', 'In Stock', 'Ready to leave our shelf within two working days.'),
  (2, 'back-ordered', 'Back Ordered', 'On its way to us; it can be bought again as soon as it arrives.'),
  (3, 'out-of-stock', 'Out of Stock', 'Sold out, and no date for new ones yet.');

INSERT INTO product (id, identifier, title, title_url, headline, description_part_1, description_part_2) VALUES
  (1, 'bSusp6dBHm', 'Paper Clips', 'PaperClips', 'One bend of wire that keeps ten pages together.',
   'Drawn from a single length of polished steel, rounded at both ends so that no page is ever scratched. The spring is strong enough for a chapter and gentle enough for a love letter.',
   'Choose the side on which your clip opens: left for those who file from the front, right for everybody who turns pages the other way.'),
  (2, 'ITHJW3mytn', 'Binder Clips', 'BinderClips', 'For everything that a paper clip only dreams of holding.',
   'Tempered black steel with handles that fold flat when the work is done. A small one takes thirty sheets, a large one half a ream, and all of them close your bag of coffee just as well.',
   'The handles come off, so a bound stack can stand in a shelf like a book.'),
  (3, 'v26ujdy3N1', 'Rubber Bands', 'RubberBands', 'A handful of colours with a mind of their own.',
   'Natural rubber in assorted sizes and seven colours, packed by weight. They stretch to six times their length and come back every time.',
   '');

INSERT INTO product_image (id, product_id, image_url, main_image, caption) VALUES
  (1, 1, '/img/product/paper_clip_main_2.jpg', true, 'Steel paper clips'),
  (2, 2, '/img/product/binder_clips_main_2.jpg', true, 'Binder clips in three sizes'),
  (3, 3, '/img/product/rubber_bands_2.jpg', true, 'Rubber bands in many colours');

INSERT INTO product_video (id, product_id, video_url, video_thumbnail_url, caption) VALUES
  (1, 1, 'https://player.vimeo.com/video/334006583', '/img/product/paper_clip_video_1_2_thumbnail.jpg', 'A paper clip at work'),
  (2, 2, 'https://player.vimeo.com/video/334006589', '/img/product/binder_clip_video_1_2_thumbnail.jpg', 'A binder clip at work');

INSERT INTO sku (id, product_id, inventory_id, color, size, description) VALUES
  (1, 1, 1, 'Silver', 'Medium', 'Opens to the left'),
  (2, 1, 2, 'Silver', 'Medium', 'Opens to the right'),
  (4, 2, 2, 'Black', 'Large', 'Holds up to 250 sheets'),
  (5, 2, 3, 'Black', 'Medium', 'Holds up to 100 sheets'),
  (6, 2, 1, 'Black', 'Small', 'Holds up to 30 sheets'),
  (7, 3, 1, 'Multi', 'Multi', 'A bag of 250 grams');

INSERT INTO sku_image (id, sku_id, image_url, main_image, caption) VALUES
  (1, 1, '/img/product/paper_clip_left_2.jpg', true, 'Opens to the left'),
  (2, 2, '/img/product/paper_clip_right_2.jpg', true, 'Opens to the right'),
  (3, 4, '/img/product/binder_clip_large_2.jpg', true, 'Large'),
  (4, 5, '/img/product/binder_clip_medium_2.jpg', true, 'Medium'),
  (5, 6, '/img/product/binder_clip_small_2.jpg', true, 'Small');

INSERT INTO sku_price (id, sku_id, price_cents, created_date_time) VALUES
  (1, 1, 350, '2019-04-20T00:00:00Z'),
  (2, 2, 350, '2019-04-20T00:00:00Z'),
  (3, 4, 599, '2019-04-20T00:00:00Z'),
  (4, 5, 499, '2019-04-20T00:00:00Z'),
  (5, 6, 399, '2019-04-20T00:00:00Z'),
  (6, 7, 1099, '2019-04-20T00:00:00Z'),
  (7, 7, 1499, '2019-04-22T00:00:00Z');

INSERT INTO shipping_method (id, identifier, carrier, shipping_cost_cents, tracking_code_base_url, active) VALUES
  (1, 'USPSPriorityMail2Day', 'USPS Priority Mail 2-Day', 1365, 'https://tools.usps.com/go/TrackConfirmAction.action?tRef=fullpage&tLc=1&text28777=&tLabels=', true),
  (2, 'USPSRetailGround', 'USPS Retail Ground', 956, 'https://tools.usps.com/go/TrackConfirmAction.action?tRef=fullpage&tLc=1&text28777=&tLabels=', true),
  (3, 'FedExGround', 'FedEx Ground', 1085, 'https://www.fedex.com/apps/fedextrack/?action=track&cntry_code=us&trackingnumber=', true),
  (4, 'UPSGround', 'UPS Ground', 1134, 'https://wwwapps.ups.com/WebTracking/track?&track.x=Track&trackNums=', true),
  (5, 'None', 'None', 0, '', false);

INSERT INTO discount_type (id, title, description, applies_to, action) VALUES
  (1, 'Percent off', 'A share of the price of all items', 'item_total', 'percent-off'),
  (2, 'Amount off', 'A fixed amount off the price of all items', 'item_total', 'dollar-amt-off'),
  (3, 'Free digital months', 'Months of a digital subscription without charge', 'subscription', 'free-digital-months'),
  (4, 'Free ground shipping', 'USPS Retail Ground without charge', 'shipping', 'free-usps-ground-shipping');

INSERT INTO discount_code (id, code, description, start_date_time, end_date_time, combinable, type_id, amount, order_minimum_cents) VALUES
  (1, 'WELCOME10', '{}% off your order, to say hello', now(), now() + interval '1 year', false, 1, 1000, 0);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['product', 'product_image', 'product_video', 'sku_inventory', 'sku', 'sku_image', 'sku_price', 'shipping_method', 'discount_type', 'discount_code'] LOOP
    EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, ''id''), (SELECT max(id) FROM %I))', t, t);
  END LOOP;
END
$$;
-- +goose StatementEnd
