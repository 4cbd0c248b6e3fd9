-- +goose Up

-- Pictures of which the WebP is still to be made, by the name of the largest JPEG. A row goes when that is done.
CREATE TABLE picture_to_make (
  name  text PRIMARY KEY,
  tries integer NOT NULL DEFAULT 0,
  due   timestamptz NOT NULL DEFAULT now() -- of the next try; who takes a row puts it off, and is not asked twice
);
CREATE INDEX picture_to_make_due ON picture_to_make (due);

INSERT INTO picture_to_make (name)
SELECT DISTINCT substr(url, 8) FROM (
  SELECT image_url AS url FROM product_image UNION SELECT image_url FROM sku_image
  UNION SELECT video_thumbnail_url FROM product_video) AS shown
WHERE url ~ '^/media/[0-9a-f]{32}-[1-9][0-9]{0,3}\.jpg$';
