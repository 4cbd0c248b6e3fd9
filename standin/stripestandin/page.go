package stripestandin

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"money": money,
	"when":  func(sec int64) string { return time.Unix(sec, 0).UTC().Format("2006-01-02 15:04:05") },
	"field": func(f *payForm, name, label, auto string) fieldView { return fieldView{f, name, label, auto, "text"} },
	"typed": func(f *payForm, name, label, auto, kind string) fieldView {
		return fieldView{f, name, label, auto, kind}
	},
	"args":   func(v ...any) []any { return v },
	"picker": func(f *payForm, name string, of []country) pickerView { return pickerView{f, name, of} },
}).ParseFS(templateFiles, "templates/*.html"))

// fieldView is one labeled input of the page.
type fieldView struct {
	Form                    *payForm
	Name, Label, Auto, Kind string
}

// pickerView is a list of countries to choose from.
type pickerView struct {
	Form *payForm
	Name string
	Of   []country
}

// pageBody is the largest form the page reads.
const pageBody = 64 << 10

// redirectTimeout bounds the page's wait for the shop's answer to the webhook before it redirects
// the shopper, as Stripe does.
const redirectTimeout = 10 * time.Second

func (s *Server) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /c/pay/{id}", s.payPage)
	mux.HandleFunc("POST /c/pay/{id}", s.payPost)
	mux.HandleFunc("POST /c/pay/{id}/confirm", s.confirmPost)
	assets, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		panic(err) // the folder is embedded in the binary
	}
	files := http.StripPrefix("/assets/", http.FileServerFS(assets))
	mux.Handle("GET /assets/{file}", files)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assets, "icon.svg")
	})
}

// payView is what the payment page shows.
type payView struct {
	Title               string
	Rec                 *sessionRecord
	S                   *session
	Form                *payForm
	Problem             string // about the payment as a whole, such as a decline
	Card, Delayed       bool
	Ships, WholeBilling bool
	ShipTo, All         []country
	CouponName          string
	Next                string // target of the link on a finished session
	Token               string // identifies a 3-D Secure confirmation
}

func (s *Server) view(rec *sessionRecord, couponName string) payView {
	v := payView{
		Title:      "Pay " + money(rec.Session.AmountTotal, rec.Session.Currency),
		Rec:        rec,
		S:          rec.Session,
		CouponName: couponName,
		Form: &payForm{values: url.Values{"billing_same": {"on"}, "method": {"card"}},
			Errors: map[string]string{}},
		Card:         rec.takesCard(),
		Delayed:      rec.takesDelayed(),
		WholeBilling: rec.Session.BillingAddressCollection == "required",
		All:          countries,
		Next:         successURL(rec.Session),
	}
	if !v.Card {
		v.Form.values.Set("method", "delayed")
	}
	if c := rec.Session.ShippingAddressCollection; c != nil {
		v.Ships, v.ShipTo = true, countriesOf(c.AllowedCountries)
	}
	return v
}

// successURL is the address to which a shopper who has paid is redirected.
func successURL(s *session) string {
	return strings.ReplaceAll(s.SuccessURL, "{CHECKOUT_SESSION_ID}", s.ID)
}

// look finds the session of a page and the name of its coupon.
func (s *Server) look(id string) (rec *sessionRecord, couponName string, err error) {
	err = s.change("", "", func(t *tx) error {
		var err error
		if rec, err = t.session(id); err != nil {
			return err
		}
		if c, ok := t.coupons.get(rec.Coupon); ok {
			if couponName = string(c.Name); couponName == "" {
				couponName = c.ID
			}
		}
		return nil
	})
	return rec, couponName, err
}

// GET /c/pay/{id}
func (s *Server) payPage(w http.ResponseWriter, r *http.Request) {
	rec, coupon, err := s.look(r.PathValue("id"))
	if err != nil {
		s.pageFailed(w, err)
		return
	}
	v := s.view(rec, coupon)
	if rec.Session.Status != "open" {
		s.over(w, v)
		return
	}
	s.outcome(w, "open", "pay", v)
}

// POST /c/pay/{id}
func (s *Server) payPost(w http.ResponseWriter, r *http.Request) {
	if err := parsePageForm(w, r); err != nil {
		s.pageFailed(w, err)
		return
	}
	rec, coupon, err := s.look(r.PathValue("id"))
	if err != nil {
		s.pageFailed(w, err)
		return
	}
	v := s.view(rec, coupon)
	if rec.Session.Status != "open" {
		s.over(w, v)
		return
	}

	form, who, outcome := checkForm(rec, r.PostForm, time.Now())
	v.Form = form
	switch {
	case len(form.Errors) > 0:
		v.Problem = "Some details are missing or wrong. They are marked below."
		s.outcome(w, "invalid", "pay", v)
	case outcome == cardChallenge:
		v.Title, v.Token = "Confirm your payment", s.cards.add(rec.Session.ID, who)
		s.outcome(w, "confirm", "confirm", v)
	case outcome == cardPays, outcome == cardDisputed:
		s.finish(w, r, rec, who, outcome == cardDisputed)
	default:
		v.Problem = outcome
		s.outcome(w, "declined", "pay", v)
	}
}

// POST /c/pay/{id}/confirm
func (s *Server) confirmPost(w http.ResponseWriter, r *http.Request) {
	if err := parsePageForm(w, r); err != nil {
		s.pageFailed(w, err)
		return
	}
	rec, coupon, err := s.look(r.PathValue("id"))
	if err != nil {
		s.pageFailed(w, err)
		return
	}
	v := s.view(rec, coupon)
	if rec.Session.Status != "open" {
		s.over(w, v)
		return
	}
	who, ok := s.cards.take(r.PostForm.Get("token"), rec.Session.ID)
	if ok && r.PostForm.Get("outcome") == "authorize" {
		s.finish(w, r, rec, who, false)
		return
	}
	v.Problem = "We are unable to authenticate your payment method. Choose a different one and try again."
	if ok {
		v.refill(who)
	}
	s.outcome(w, "declined", "pay", v)
}

// finish takes the payment, waits for the shop's answer to the webhook, and redirects the shopper.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, rec *sessionRecord, who payer, disputed bool) {
	eventID, err := s.pay(rec.Session.ID, who, disputed)
	if err != nil {
		if _, refused := errors.AsType[*apiError](err); !refused {
			s.pageFailed(w, err)
			return
		}
		// The session was paid in another tab meanwhile: show its current state.
		if now, coupon, lookErr := s.look(rec.Session.ID); lookErr == nil {
			s.over(w, s.view(now, coupon))
			return
		}
		s.pageFailed(w, err)
		return
	}
	s.waitForShop(r.Context(), eventID)
	http.Redirect(w, r, successURL(rec.Session), http.StatusSeeOther)
}

func (s *Server) waitForShop(ctx context.Context, eventID string) {
	wait := redirectTimeout
	if ms := s.Switches().RedirectWaitMS; ms > 0 {
		wait = time.Duration(ms) * time.Millisecond
	}
	s.webhooks.firstAnswer(ctx, eventID, wait)
}

// pay completes a session and returns the id of its event.
func (s *Server) pay(id string, who payer, disputed bool) (eventID string, err error) {
	err = s.change("", "", func(t *tx) error {
		rec, err := t.session(id)
		if err != nil {
			return err
		}
		if eventID, err = t.complete(rec, who); err != nil || !disputed {
			return err
		}
		rec, _ = t.sessions.get(id)
		ch, err := t.chargeOf(rec.Session.PaymentIntent.id, "")
		if err != nil {
			return err
		}
		_, err = t.openDispute(ch, "fraudulent", false)
		return err
	})
	return eventID, err
}

// refill puts the shopper's input back into the page, except for the card.
func (v *payView) refill(who payer) {
	f := url.Values{"method": {"card"}, "email": {who.Email}, "phone": {who.Phone}, "billing_name": {who.Name}}
	put := func(prefix string, a address) {
		for part, value := range map[string]text{
			"line1": a.Line1, "line2": a.Line2, "city": a.City, "state": a.State, "postal_code": a.PostalCode,
			"country": a.Country,
		} {
			f.Set(prefix+"_"+part, string(value))
		}
	}
	put("billing", who.Billing)
	if who.Shipping != nil {
		put("shipping", *who.Shipping)
		f.Set("shipping_name", who.ShippingName)
		if *who.Shipping == who.Billing && who.ShippingName == who.Name {
			f.Set("billing_same", "on")
		}
	}
	v.Form = &payForm{values: f, Errors: map[string]string{}}
}

// over shows the page of a session that is no longer open.
func (s *Server) over(w http.ResponseWriter, v payView) {
	v.Title = "Paid"
	if v.S.Status == "expired" {
		v.Title = "This page has expired"
	}
	s.outcome(w, v.S.Status, "over", v)
}

// outcome renders a page of a session and names its outcome in a header, for tests. The status is
// 200 even for a decline, because browsers log any other as an error in the console.
func (s *Server) outcome(w http.ResponseWriter, outcome, name string, v payView) {
	w.Header().Set("Standin-Outcome", outcome)
	s.show(w, http.StatusOK, name, v)
}

// parsePageForm reads a form. Card numbers in it are not stored anywhere.
func parsePageForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, pageBody)
	if err := r.ParseForm(); err != nil {
		return refuse("", "", "The form could not be read.")
	}
	r.PostForm = maps.Clone(r.PostForm)
	return nil
}

// pageFailed shows an error that occurred before the session was found.
func (s *Server) pageFailed(w http.ResponseWriter, err error) {
	v := payView{Title: "Something went wrong", Problem: "The stand-in could not do that. Try again."}
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*apiError](err); ok {
		status, v.Problem = e.Status, e.Message
		if e.Code == "resource_missing" {
			v.Title, v.Problem = "No such page", "This payment page does not exist."
		}
	} else {
		s.log.Error("page failed", "err", err)
	}
	s.show(w, status, "failed", v)
}

// show renders the whole template before it writes the first byte.
func (s *Server) show(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		s.log.Error("page not rendered", "page", name, "err", err)
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	writeBody(w, b.Bytes())
}
