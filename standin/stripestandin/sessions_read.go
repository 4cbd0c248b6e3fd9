package stripestandin

import (
	"net/http"
	"slices"
	"strings"
)

// render returns the session as the API shows it, with what the caller wants expanded. In a list of
// sessions the paths may begin with "data.".
func (t *tx) render(rec *sessionRecord, expand []string, prefix string) (*session, error) {
	shown := *rec.Session
	for _, full := range expand {
		path, ok := strings.CutPrefix(full, prefix)
		if !ok {
			path = ""
		}

		switch path {
		case "line_items", "line_items.data", "line_items.data.price":
			if shown.LineItems == nil {
				shown.LineItems = rec.lineList(false)
			}
		case "line_items.data.price.product":
			shown.LineItems = rec.lineList(true)
		case "payment_intent", "payment_intent.latest_charge", "payment_intent.payment_method":
			if in, known := t.intents.get(shown.PaymentIntent.id); known {
				copied := *in
				if path == "payment_intent.latest_charge" || expanded(shown.PaymentIntent) {
					t.expandCharge(&copied)
				}
				shown.PaymentIntent.full = &copied
			}
		case "customer", "total_details", "total_details.breakdown", "invoice", "subscription", "setup_intent":
			// Stripe expands these; here they are always null.
		default:
			return nil, refuse("", "expand", "This property cannot be expanded (%s).", shorten(full, 80))
		}
	}

	return &shown, nil
}

// expanded reports whether an earlier path has already expanded the intent's charge.
func expanded(r ref) bool {
	in, ok := r.full.(*intent)
	return ok && in.LatestCharge.full != nil
}

func (t *tx) expandCharge(in *intent) {
	if ch, ok := t.charges.get(in.LatestCharge.id); ok {
		in.LatestCharge.full = ch
	}
}

// lineList is the line_items field: the first ten, as Stripe includes them.
func (rec *sessionRecord) lineList(products bool) *list[lineItem] {
	out := &list[lineItem]{
		Object:  "list",
		Data:    slices.Clone(rec.Lines[:min(10, len(rec.Lines))]),
		HasMore: len(rec.Lines) > 10,
		URL:     "/v1/checkout/sessions/" + rec.Session.ID + "/line_items",
	}
	if products {
		for i := range out.Data {
			out.Data[i].Price.Product.full = rec.Products[i]
		}
	}
	return out
}

// session finds a session, and expires it if that is due.
func (t *tx) session(id string) (*sessionRecord, error) {
	rec, ok := t.sessions.get(id)
	if !ok {
		return nil, noSuch(http.StatusNotFound, "checkout.session", "session", id)
	}
	return t.applyTime(rec), nil
}

// GET /v1/checkout/sessions/{id}
func retrieveSession(t *tx, r *http.Request, p reader) (any, error) {
	expand := p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	rec, err := t.session(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return t.render(rec, expand, "")
}

// GET /v1/checkout/sessions/{id}/line_items
func listLineItems(t *tx, r *http.Request, p reader) (any, error) {
	pg := readPage(p)
	products := slices.Contains(p.strings("expand", 20, 200), "data.price.product")
	if err := p.done(); err != nil {
		return nil, err
	}
	rec, err := t.session(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	lines := slices.Clone(rec.Lines)
	if products {
		for i := range lines {
			lines[i].Price.Product.full = rec.Products[i]
		}
	}
	return paginate(pg, "/v1/checkout/sessions/"+rec.Session.ID+"/line_items", "item", lines,
		func(l lineItem) string { return l.ID })
}

// POST /v1/checkout/sessions/{id}/expire
func expireSession(t *tx, r *http.Request, p reader) (any, error) {
	expand := p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	rec, err := t.session(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if rec, err = t.expire(rec); err != nil {
		return nil, err
	}
	return t.render(rec, expand, "")
}

// GET /v1/checkout/sessions
func listSessions(t *tx, _ *http.Request, p reader) (any, error) {
	pg := readPage(p)
	created := readRange(p, "created")
	status := p.enum("status", "open", "complete", "expired")
	paymentIntent := p.str("payment_intent", 200)
	customer := p.str("customer", 200)
	email := p.object("customer_details").str("email", 800)
	expand := p.strings("expand", 20, 200)
	p.unsupported("payment_link", "subscription")
	if err := p.done(); err != nil {
		return nil, err
	}
	if _, known := t.intents.get(paymentIntent); paymentIntent != "" && !known {
		return nil, noSuch(http.StatusBadRequest, "payment_intent", "payment_intent", paymentIntent)
	}

	t.applyTimeToAll()
	var found []*session
	for _, rec := range t.sessions.newest() {
		s := rec.Session
		if !created.holds(s.Created) || status != "" && s.Status != status || customer != "" ||
			paymentIntent != "" && s.PaymentIntent.id != paymentIntent ||
			email != "" && (s.CustomerDetails == nil || string(s.CustomerDetails.Email) != email) {
			continue
		}
		found = append(found, s)
	}

	page, err := paginate(pg, "/v1/checkout/sessions", "checkout.session", found,
		func(s *session) string { return s.ID })
	if err != nil {
		return nil, err
	}

	for i, s := range page.Data {
		rec, _ := t.sessions.get(s.ID)
		if page.Data[i], err = t.render(rec, expand, "data."); err != nil {
			return nil, err
		}
	}

	return page, nil
}
