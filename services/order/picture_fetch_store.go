package order

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// pictureFetch is a picture on another server.
type pictureFetch struct {
	ID      int64  `json:"-"`
	Product int64  `json:"-"`
	Title   string `json:"product,omitempty"`
	Path    string `json:"-"` // path of the product's page
	URL     string `json:"url" db:"url"`
	State   string `json:"state"` // waiting or failed
	Trouble string `json:"trouble,omitempty"`
	Tries   int    `json:"tries"`
}

// Failed reports whether the shop has given it up.
func (f pictureFetch) Failed() bool { return f.State == "failed" }

// Badge says whether it is still tried.
func (f pictureFetch) Badge() adminui.Badge {
	if f.Failed() {
		return adminui.Badge{Text: "not available", Tone: "bad"}
	}
	return adminui.Badge{Text: "under way", Tone: "warn"}
}

// queueFetches notes that the pictures on other servers that a file names are to be fetched.
func queueFetches(ctx context.Context, tx pgx.Tx, file int64, plan *importPlan) error {
	var products []int64
	var addresses []string
	for _, p := range plan.products {
		for _, picture := range p.Pictures {
			if strings.HasPrefix(picture.URL, "https://") {
				products, addresses = append(products, p.ID), append(addresses, picture.URL)
			}
		}
	}
	return pg.Exec(ctx, tx, "queue the pictures of file $1", `
		INSERT INTO picture_fetch (import_id, product_id, url)
		SELECT $1, x.product, x.url FROM unnest($2::bigint[], $3::text[]) AS x (product, url)
		ON CONFLICT (product_id, url) DO UPDATE SET import_id = excluded.import_id, state = 'waiting', address = NULL,
		  trouble = '', tries = 0, due = now()`, file, products, addresses)
}

const fetchColumnsSQL = `f.id, f.product_id AS product, p.title, p.identifier AS path, f.url, f.state, f.trouble,
	f.tries`

// claimFetch takes the next picture to fetch. The next try is put off, longer each time, so that no
// other process takes it.
func claimFetch(ctx context.Context, db pg.DB) (pictureFetch, bool, error) {
	return pg.One[pictureFetch](ctx, db, "claim a picture to fetch", `
		UPDATE picture_fetch f SET tries = f.tries + 1, due = now() + power(f.tries + 1, 2) * interval '2 minutes'
		FROM product p
		WHERE p.id = f.product_id AND f.id = (
		  SELECT id FROM picture_fetch WHERE state = 'waiting' AND due <= now()
		  ORDER BY due, id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING `+fetchColumnsSQL)
}

// storeFetched replaces the other server's picture of a product by the shop's own copy. If the
// picture was taken back or removed in the meantime, the copy is not shown.
func storeFetched(ctx context.Context, tx pgx.Tx, f pictureFetch, address string) error {
	if err := pg.Exec(ctx, tx, "lock product $1", `SELECT FROM product WHERE id = $1 FOR NO KEY UPDATE`,
		f.Product); err != nil {
		return err
	}
	waited, err := pg.ExecOne(ctx, tx, "store fetched picture $1", `
		UPDATE picture_fetch SET state = 'fetched', address = $2, trouble = '' WHERE id = $1 AND state = 'waiting'`,
		f.ID, address)
	if err != nil || !waited {
		return err
	}
	if err := pg.Exec(ctx, tx, "show fetched picture of product $1", `
		WITH ours AS (
		  UPDATE product_image SET image_url = $3 WHERE product_id = $1 AND image_url = $2 RETURNING id
		), skus AS (
		  UPDATE sku_image i SET image_url = $3 FROM sku s
		  WHERE s.product_id = $1 AND i.sku_id = s.id AND i.image_url = $2
		  RETURNING i.id
		)
		UPDATE product SET media_version = media_version + 1
		WHERE id = $1 AND (EXISTS (SELECT FROM ours) OR EXISTS (SELECT FROM skus))`,
		f.Product, f.URL, address); err != nil {
		return err
	}
	return queuePictures(ctx, tx, []string{strings.TrimPrefix(address, media.Path)})
}

// noteFetchTrouble stores why a picture could not be fetched, yet or at all.
func noteFetchTrouble(ctx context.Context, db pg.DB, id int64, trouble string, ended bool) error {
	return pg.Exec(ctx, db, "note trouble with picture $1", `
		UPDATE picture_fetch SET trouble = $2, state = CASE WHEN $3 THEN 'failed' ELSE state END
		WHERE id = $1 AND state = 'waiting'`, id, trouble, ended)
}

// listFetches lists the pictures of a product that the shop does not have yet.
func listFetches(ctx context.Context, db pg.DB, product int64) ([]pictureFetch, error) {
	return pg.List[pictureFetch](ctx, db, "list pictures to fetch of product $1", `
		SELECT `+fetchColumnsSQL+` FROM picture_fetch f JOIN product p ON p.id = f.product_id
		WHERE f.product_id = $1 AND f.state <> 'fetched'
		  AND (EXISTS (SELECT FROM product_image i WHERE i.product_id = f.product_id AND i.image_url = f.url)
		    OR EXISTS (SELECT FROM sku_image i JOIN sku s ON s.id = i.sku_id
		      WHERE s.product_id = f.product_id AND i.image_url = f.url))
		ORDER BY f.id`, product)
}

// fileFetches are the pictures on other servers that a file names.
type fileFetches struct {
	All     int            `json:"all"`
	Fetched int            `json:"fetched"`
	Waiting int            `json:"waiting"`
	Failed  int            `json:"failed"`
	Trouble []pictureFetch `json:"trouble" db:"-"` // the first that could not be fetched
}

// maxFetchTroubles is how many of those are shown.
const maxFetchTroubles = 50

// readFileFetches returns nil for a file without any.
func readFileFetches(ctx context.Context, db pg.DB, file int64) (*fileFetches, error) {
	f, err := pg.Get[fileFetches](ctx, db, "count the pictures of file $1", `
		SELECT count(*) AS all, count(*) FILTER (WHERE state = 'fetched') AS fetched,
		  count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'failed') AS failed
		FROM picture_fetch WHERE import_id = $1`, file)
	if err != nil || f.All == 0 {
		return nil, err
	}
	f.Trouble, err = pg.List[pictureFetch](ctx, db, "list pictures of file $1 that are not there", `
		SELECT `+fetchColumnsSQL+` FROM picture_fetch f JOIN product p ON p.id = f.product_id
		WHERE f.import_id = $1 AND f.trouble <> ''
		ORDER BY f.state, f.id LIMIT $2`, file, maxFetchTroubles)
	return &f, err
}

// fetchAgain has the given-up pictures of a file or of a product tried again; 0 stands for any.
func fetchAgain(ctx context.Context, tx pgx.Tx, file, product int64) (int64, error) {
	return pg.ExecRows(ctx, tx, "fetch pictures again", `
		UPDATE picture_fetch SET state = 'waiting', tries = 0, due = now()
		WHERE state = 'failed' AND ($1 = 0 OR import_id = $1) AND ($2 = 0 OR product_id = $2)`, file, product)
}
