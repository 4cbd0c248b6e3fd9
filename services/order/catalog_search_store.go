package order

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// searchProducts returns identifiers of the products that have all words, each as it is, as the
// beginning of a longer one, or by its stem. Words such as "the" need not be there, except for the
// last one, which may be unfinished. Ranking is bounded: it considers a thousand products that have
// all words in their titles and a thousand others, so that a word of most texts does not hide the
// product that is named by it.
func searchProducts(ctx context.Context, db pg.DB, words []string) ([]string, error) {
	return pg.List[string](ctx, db, "search products", `
		WITH term AS (
		  SELECT n, numnode(to_tsquery('english', word || ':*')) > 0 AS weighty,
		    (to_tsquery('simple', word || ':*') || to_tsquery('english', word || ':*'))::text AS query,
		    (to_tsquery('simple', word || ':*A') || to_tsquery('english', word || ':*A'))::text AS title
		  FROM unnest($1::text[]) WITH ORDINALITY AS words (word, n)
		), wanted AS (
		  SELECT string_agg('(' || query || ')', ' & ')::tsquery AS query,
		    string_agg('(' || title || ')', ' & ')::tsquery AS title
		  FROM term WHERE query <> '' AND (weighty OR n = cardinality($1::text[]))
		)
		SELECT identifier FROM (
		  (SELECT id, identifier, search FROM product p
		  WHERE search @@ (SELECT title FROM wanted) AND on_sale(p) LIMIT 1000)
		  UNION
		  (SELECT id, identifier, search FROM product p
		  WHERE search @@ (SELECT query FROM wanted) AND on_sale(p) LIMIT 1000)) AS hit
		ORDER BY ts_rank(search, (SELECT query FROM wanted)) DESC, id LIMIT $2`, words, maxFound)
}

// nearWords returns for each word the word itself if a product has it, or has a longer one or its
// stem; otherwise the word most like it, if there is one. With one wrong letter, a word of four
// still shares a quarter of its trigrams.
func nearWords(ctx context.Context, db pg.DB, words []string) ([]string, error) {
	return pg.List[string](ctx, db, "find near words", `
		SELECT CASE
		  WHEN EXISTS (SELECT FROM search_word WHERE search_word.word LIKE w.word || '%')
		    OR EXISTS (SELECT FROM search_word WHERE search_word.word LIKE w.stem || '%') THEN w.word
		  ELSE coalesce((
		    SELECT near.word FROM (SELECT word FROM search_word ORDER BY word <-> w.word LIMIT 8) AS near
		    WHERE similarity(near.word, w.word) >= 0.25
		    ORDER BY near.word <-> w.word, abs(length(near.word) - length(w.word)), near.word LIMIT 1), w.word) END
		FROM (
		  SELECT n, word, (tsvector_to_array(to_tsvector('english', word)))[1] AS stem
		  FROM unnest($1::text[]) WITH ORDINALITY AS words (word, n)) AS w ORDER BY n`, words)
}

// deleteSearchWords deletes words that no product has any longer.
func deleteSearchWords(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.ExecRows(ctx, pool, "delete search words of no product", `
		DELETE FROM search_word WHERE NOT EXISTS (
		  SELECT FROM product WHERE search @@ to_tsquery('simple', quote_literal(word)))`)
}
