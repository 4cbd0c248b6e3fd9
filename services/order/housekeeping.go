package order

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

const (
	// cartTTL is how long a cart is kept that is neither viewed nor changed (findCart notes a view
	// once a day).
	cartTTL = 90 * 24 * time.Hour
	// checkoutKeptTTL is how long a checkout is kept that ended unpaid: longer than a bank may take
	// to refuse.
	checkoutKeptTTL = 90 * 24 * time.Hour
	// catalogChangeTTL is much longer than edge serves a catalog that it cannot refresh
	// (catalogMaxAge).
	catalogChangeTTL = 24 * time.Hour
	// automaticEvery is how often automatic mails are looked for: they wait for hours or days
	// anyway.
	automaticEvery = 30 * time.Second
)

// housekeeping are the periodic tasks of order.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "old carts", Every: time.Hour, Do: deleteOldCarts},
		{Name: "old quotes", Every: time.Hour, Do: deleteOldCheckouts},
		{Name: "merged carts", Every: time.Hour, Do: deleteOldMerges},
		{Name: "members who are one person", Every: time.Minute, Do: repeatMerges},
		{Name: "automatic mails", Every: automaticEvery, Do: s.sendAutomatic},
		{Name: "old automatic mails", Every: time.Hour, Do: deleteOldAutomatic},
		{Name: "old catalog changes", Every: time.Hour, Do: deleteOldCatalogChanges},
		{Name: "files of products", Every: time.Hour, Do: clearOldImports},
		{Name: "figures of old orders", Every: 10 * time.Second, Do: s.enqueueHistory},
		{Name: "who the shop is", Every: 24 * time.Hour, Do: s.repeatShop},
		{Name: "words of search", Every: 24 * time.Hour, Do: deleteSearchWords},
	}
}
