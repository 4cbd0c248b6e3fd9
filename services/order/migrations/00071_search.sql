-- +goose Up

-- Words with letters mixed up are found by the groups of three letters that they share. The extension is a trusted
-- one: the owner of the database may make it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Each word as it is written, to find by its beginning, and its stem, to find plurals.
ALTER TABLE product ADD COLUMN search tsvector GENERATED ALWAYS AS (
  setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('english', title), 'A') ||
  setweight(to_tsvector('simple', coalesce(headline, '')), 'B') || setweight(to_tsvector('english', coalesce(headline, '')), 'B') ||
  setweight(to_tsvector('english', coalesce(description_part_1, '') || ' ' || coalesce(description_part_2, '')), 'C')
) STORED;
CREATE INDEX product_search ON product USING gin (search);

-- The words of titles and headlines: what a word that is nowhere may have been meant to be.
CREATE TABLE search_word (
  word text PRIMARY KEY CHECK (length(word) <= 100)
);
CREATE INDEX search_word_near ON search_word USING gist (word gist_trgm_ops);

-- +goose StatementBegin
-- Words are added in alphabetical order, so that two who add the same ones cannot wait for each other.
CREATE FUNCTION search_words_noted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO search_word (word)
  SELECT word FROM (SELECT DISTINCT unnest(tsvector_to_array(to_tsvector('simple', title || ' ' || coalesce(headline, '')))) AS word FROM changed) AS words
  WHERE length(word) BETWEEN 3 AND 100 ORDER BY word ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER search_words_new AFTER INSERT ON product REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_words_noted();
CREATE TRIGGER search_words_after AFTER UPDATE ON product REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION search_words_noted();
INSERT INTO search_word (word)
SELECT word FROM (SELECT DISTINCT unnest(tsvector_to_array(to_tsvector('simple', title || ' ' || coalesce(headline, '')))) AS word FROM product) AS words
WHERE length(word) BETWEEN 3 AND 100 ORDER BY word;
