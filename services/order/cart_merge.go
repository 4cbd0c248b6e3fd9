package order

import (
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// cartMerge gives a visitor's cart to the member who just logged in or registered. Edge calls it
// before the shopper sees the answer. A second call finds no visitor's cart and changes nothing.
func (s *server) cartMerge(w http.ResponseWriter, r *http.Request) error {
	who := web.Who(r)
	if !who.Member() {
		return web.BadRequest("identity")
	}
	if who.Cart != "" {
		var visitor int64
		var err error
		for range 3 { // another request may be creating the member's first cart
			err = pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) (err error) {
				visitor, err = mergeCarts(r.Context(), tx, who)
				return err
			})
			if !pg.IsConflict(err) {
				break
			}
		}
		if err != nil {
			return err
		}
		if visitor != 0 {
			s.closeEnded(r.Context(), visitor)
		}
	}

	return answer(w, struct {
		Merged bool `json:"merged"`
	}{true})
}
