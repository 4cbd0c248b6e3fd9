package order

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

const (
	// keepCarts is how long a cart stays that is neither looked at nor changed (findCart notes it once a day).
	keepCarts = 90 * 24 * time.Hour
	// keepQuotes is how long a quote stays that ended without a payment: longer than a bank may take to say no.
	keepQuotes = 90 * 24 * time.Hour
	// keepCatalogChanges is much longer than an edge goes on with what it knows of the catalog (catalogStale).
	keepCatalogChanges = 24 * time.Hour
	// automaticEvery is how often automatic mails are looked for: an hour or a day is what they wait.
	automaticEvery = 30 * time.Second
)

// housekeeping deletes what has outlived its use.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "old carts", Every: time.Hour, Do: deleteOldCarts},
		{Name: "old quotes", Every: time.Hour, Do: deleteOldQuotes},
		{Name: "merged carts", Every: time.Hour, Do: deleteOldMerges},
		{Name: "members who are one person", Every: time.Minute, Do: repeatMerges},
		{Name: "automatic mails", Every: automaticEvery, Do: s.sendAutomatic},
		{Name: "old automatic mails", Every: time.Hour, Do: deleteOldAutomatic},
		{Name: "old catalog changes", Every: time.Hour, Do: deleteOldCatalogChanges},
		{Name: "files of products", Every: time.Hour, Do: dropOldImports},
		{Name: "orders of before", Every: 10 * time.Second, Do: s.tellHistory},
		{Name: "who the shop is", Every: 24 * time.Hour, Do: s.repeatShop},
		{Name: "words of search", Every: 24 * time.Hour, Do: deleteSearchWords},
	}
}
