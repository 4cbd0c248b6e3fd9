package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// readGuideFacts looks for what a founder has done. Products and shipping methods of the sample
// shop are recognized by their identifiers, its pictures by their folder.
func readGuideFacts(ctx context.Context, db pg.DB) (guideFacts, error) {
	return pg.Get[guideFacts](ctx, db, "read the facts of the guide", `
		SELECT
		  EXISTS (SELECT FROM configuration WHERE key = 'shop_name' AND value <> '') AS name,
		  EXISTS (SELECT FROM product_image WHERE image_url NOT LIKE '/img/product/%') AS pictures,
		  EXISTS (SELECT FROM sku_now
		    WHERE product_identifier <> ALL (ARRAY['bSusp6dBHm', 'ITHJW3mytn', 'v26ujdy3N1'])) AS product,
		  EXISTS (SELECT FROM shipping_method WHERE changed_by <> '') AS shipping,
		  (SELECT value FROM configuration WHERE key = 'guide_stripe') AS stripe,
		  (SELECT value FROM configuration WHERE key = 'guide_hidden') AS hidden`)
}
