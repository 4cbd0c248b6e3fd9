-- +goose Up

-- The words of descriptions as well, so that this table alone tells whether a word is anywhere: asking products for a
-- word that none has reads all of them. The index finds words by their beginning.
CREATE INDEX search_word_begins ON search_word (word text_pattern_ops);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_words_noted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO search_word (word)
  SELECT word FROM (SELECT DISTINCT unnest(tsvector_to_array(to_tsvector('simple', concat_ws(' ', title, headline, description_part_1, description_part_2)))) AS word FROM changed) AS words
  WHERE length(word) BETWEEN 3 AND 100 ORDER BY word ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
INSERT INTO search_word (word)
SELECT word FROM (SELECT DISTINCT unnest(tsvector_to_array(to_tsvector('simple', concat_ws(' ', title, headline, description_part_1, description_part_2)))) AS word FROM product) AS words
WHERE length(word) BETWEEN 3 AND 100 ORDER BY word ON CONFLICT DO NOTHING;
