package order

import (
	"net/http"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// maxAsked is about how many people mailer may ask in one request.
	maxAsked = 1000
	// maxBuyersRequest is the largest request of mailer's, in bytes: as many addresses of 254
	// characters, escaped.
	maxBuyersRequest = 1 << 20
)

// buyersRequest says which customers a campaign is for. All of its conditions hold for each of
// them; one that is not set holds for everybody. Canceled orders do not count.
type buyersRequest struct {
	Product   string // identifier of a product, or number or code of a SKU, that the customer bought
	IdleDays  int64  // the customer has bought something, but nothing within so many days
	SpentOver *int64 // cents, all orders together, less refunds
	Members   []int64
	Addresses []string // of visitors, as email.Key has them
}

// buyersAmong tells mailer which of some people are customers of a kind: members by their orders,
// addresses by those of visitors. Without people it reports whether there is such a product.
func (s *server) buyersAmong(w http.ResponseWriter, r *http.Request) error {
	form, err := web.FormWithin(w, r, maxBuyersRequest)
	if err != nil {
		return err
	}
	q, err := readBuyersRequest(form)
	if err != nil {
		return err
	}
	known, found := true, buyers{Members: []int64{}, Addresses: []string{}}
	if q.Product != "" {
		known, err = wasEverSold(r.Context(), s.pool, q.Product)
	}
	if err == nil && known && len(q.Members)+len(q.Addresses) > 0 {
		found, err = findBuyers(r.Context(), s.pool, q)
	}
	if err != nil {
		return err
	}
	return answer(w, struct {
		Known bool `json:"known"`
		buyers
	}{known, found})
}

func readBuyersRequest(form web.Values) (q buyersRequest, err error) {
	q.Product = form.Get("product")
	if text := form.Get("idle_days"); text != "" {
		if q.IdleDays, err = strconv.ParseInt(text, 10, 32); err != nil || q.IdleDays < 0 {
			return q, web.BadRequest("idle_days")
		}
	}
	if text := form.Get("spent_over"); text != "" {
		cents, err := strconv.ParseInt(text, 10, 64)
		if err != nil || cents < 0 {
			return q, web.BadRequest("spent_over")
		}
		q.SpentOver = &cents
	}

	for _, text := range form.Values["member"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return q, web.BadRequest("member")
		}
		q.Members = append(q.Members, id)
	}

	for _, address := range form.Values["address"] {
		q.Addresses = append(q.Addresses, email.Key(address))
	}
	if len(q.Members)+len(q.Addresses) > maxAsked {
		return q, web.BadRequest("member")
	}
	return q, nil
}
