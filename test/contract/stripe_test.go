package contract

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

const (
	stripeKey     = "sk_test_contract"
	webhookSecret = "whsec_contract"
)

// stripe is another stand-in for Stripe, made from the contract alone: it offers the part of the
// API that the contract names, answers with few fields, and records requests.
type stripe struct {
	*httptest.Server
	mu       sync.Mutex
	requests []url.Values // creations of sessions
	keys     []string     // their idempotency keys
	sessions map[string]map[string]any
	coupons  map[string]map[string]any
	repeats  map[string]string // idempotency key -> session
	expired  []string
	down     bool
	bad      []string // requests that the API does not offer
}

func newStripe(t *testing.T) *stripe {
	s := &stripe{sessions: map[string]map[string]any{}, coupons: map[string]map[string]any{}, repeats: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/checkout/sessions", s.create)
	mux.HandleFunc("GET /v1/checkout/sessions/{id}",
		func(w http.ResponseWriter, r *http.Request) { s.show(w, s.sessions[r.PathValue("id")]) })
	mux.HandleFunc("POST /v1/checkout/sessions/{id}/expire", func(w http.ResponseWriter, r *http.Request) {
		session := s.sessions[r.PathValue("id")]
		if session == nil || session["status"] != "open" {
			s.refuse(w, http.StatusBadRequest, "cannot be expired")
			return
		}
		session["status"] = "expired"
		s.expired = append(s.expired, r.PathValue("id"))
		s.show(w, session)
	})

	mux.HandleFunc("POST /v1/coupons", func(w http.ResponseWriter, r *http.Request) {
		id := "co_" + random()
		off, err := strconv.Atoi(r.FormValue("amount_off"))
		if err != nil || r.FormValue("currency") != "usd" || r.FormValue("duration") != "once" {
			s.bad = append(s.bad, "coupon "+r.Form.Encode())
		}
		s.coupons[id] = map[string]any{"id": id, "object": "coupon", "amount_off": off, "currency": "usd"}
		s.show(w, s.coupons[id])
	})

	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		lists := []string{"/v1/checkout/sessions", "/v1/refunds", "/v1/disputes"} // not offered: the shop must do without
		if r.Method == http.MethodGet && slices.Contains(lists, r.URL.Path) {
			s.refuse(w, http.StatusNotFound, "Unrecognized request URL")
			return
		}
		s.bad = append(s.bad, r.Method+" "+r.URL.Path)
		s.refuse(w, http.StatusNotFound, "Unrecognized request URL")
	})

	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.ContentLength < 0 { // many small servers take such a body for an empty one
			s.bad = append(s.bad, "a body without a length: "+r.URL.Path)
		}
		switch {
		case s.down:
			s.refuse(w, http.StatusInternalServerError, "down")
		case r.Header.Get("Authorization") != "Bearer "+stripeKey:
			s.refuse(w, http.StatusUnauthorized, "Invalid API Key")
		default:
			mux.ServeHTTP(w, r)
		}
	}))

	t.Cleanup(s.Close)
	return s
}

func (s *stripe) refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"type": "invalid_request_error",
		"message": message}}); err != nil {
		s.bad = append(s.bad, err.Error())
	}
}

func (s *stripe) show(w http.ResponseWriter, object map[string]any) {
	if object == nil {
		s.refuse(w, http.StatusNotFound, "No such object")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(object); err != nil {
		s.bad = append(s.bad, err.Error())
	}
}

func (s *stripe) create(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		s.bad = append(s.bad, "a session that is not a form")
	}
	key := r.Header.Get("Idempotency-Key")
	if id, ok := s.repeats[key]; ok && key != "" {
		s.show(w, s.sessions[id])
		return
	}

	total := 0
	for i := 0; r.PostForm.Get(fmt.Sprintf("line_items[%d][quantity]", i)) != ""; i++ {
		unit, err := strconv.Atoi(r.PostForm.Get(fmt.Sprintf("line_items[%d][price_data][unit_amount]", i)))
		quantity, err2 := strconv.Atoi(r.PostForm.Get(fmt.Sprintf("line_items[%d][quantity]", i)))
		if err != nil || err2 != nil || quantity < 1 || unit < 0 {
			s.refuse(w, http.StatusBadRequest, "line_items")
			return
		}
		total += unit * quantity
	}

	if coupon := r.PostForm.Get("discounts[0][coupon]"); coupon != "" {
		if s.coupons[coupon] == nil {
			s.refuse(w, http.StatusBadRequest, "No such coupon")
			return
		}
		off, ok := s.coupons[coupon]["amount_off"].(int)
		if !ok {
			s.bad = append(s.bad, "coupon without amount")
		}
		total -= off
	}

	id := "cs_test_" + random()
	session := map[string]any{"id": id, "object": "checkout.session", "url": s.URL + "/pay/" + id, "status": "open",
		"payment_status": "unpaid", "payment_intent": nil,
		"amount_total": total, "currency": "usd", "metadata": map[string]string{"cart_id": r.PostForm.Get("metadata[cart_id]")},
		"customer_details": nil}
	if address := r.PostForm.Get("customer_email"); address != "" {
		session["customer_email"] = address
	}

	s.sessions[id], s.repeats[key] = session, id
	s.requests, s.keys = append(s.requests, r.PostForm), append(s.keys, key)
	s.show(w, session)
}

// pay completes a session as the payment page does.
func (s *stripe) pay(session, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.sessions[session]
	where := map[string]any{"line1": "12 Elm Street", "line2": nil, "city": "Springfield", "state": "IL", "postal_code": "62704",
		"country": "US"}
	o["status"], o["payment_status"], o["payment_intent"] = "complete", "paid", "pi_"+session
	o["customer_details"] = map[string]any{"email": address, "name": "Pat Buyer", "phone": "+1", "address": where}
	o["collected_information"] = map[string]any{"shipping_details": map[string]any{"name": "Sam Receiver", "address": where}}
}

func (s *stripe) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// event is an event about a session with few fields, as a reader of the contract would write it.
func (s *stripe) event(kind, session string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.sessions[session]
	raw, err := json.Marshal(map[string]any{"id": "evt_" + random(), "type": kind, "data": map[string]any{"object": map[string]any{
		"id": session, "payment_status": o["payment_status"], "payment_intent": o["payment_intent"], "metadata": o["metadata"]}}})
	if err != nil {
		s.bad = append(s.bad, err.Error())
	}
	return string(raw)
}

func sign(secret string, at time.Time, body string) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, t+"."+body) //nolint:errcheck // a hash does not fail
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// hook posts an event to the webhook.
func (e *env) hook(t *testing.T, body, signature string) testenv.Answer {
	t.Helper()
	return e.browser(t).send("POST", "/order/stripe-webhook", body, header("Content-Type", "application/json"), header("X-CSRFToken", ""),
		header("Stripe-Signature", signature))
}

// sink is a mail server that keeps all mails.
type sink struct {
	mu    sync.Mutex
	mails []shoptest.Mail
}

func newSink(t *testing.T) (*sink, string) {
	k := &sink{}
	server := smtp.NewServer(k)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return k, port
}

// NewSession begins a connection.
func (k *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return &envelope{sink: k}, nil }

type envelope struct {
	sink *sink
	to   []string
}

func (e *envelope) Reset()                               { e.to = nil }
func (e *envelope) Logout() error                        { return nil }
func (e *envelope) Mail(string, *smtp.MailOptions) error { return nil }
func (e *envelope) Rcpt(to string, _ *smtp.RcptOptions) error {
	e.to = append(e.to, to)
	return nil
}

func (e *envelope) Data(r io.Reader) error {
	reader, err := mail.CreateReader(r)
	if err != nil {
		return err
	}

	m := shoptest.Mail{To: e.to}
	if m.Subject, err = reader.Header.Subject(); err != nil {
		return err
	}

	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}

		text, err := io.ReadAll(part.Body)
		if err != nil {
			return err
		}
		if h, ok := part.Header.(*mail.InlineHeader); ok && strings.HasPrefix(h.Get("Content-Type"), "text/html") {
			m.HTML = string(text)
		} else {
			m.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
	}

	e.sink.mu.Lock()
	defer e.sink.mu.Unlock()
	e.sink.mails = append([]shoptest.Mail{m}, e.sink.mails...)
	return nil
}

// of are the mails to an address, newest first.
func (k *sink) of(to string) (got []shoptest.Mail) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.mails {
		for _, address := range m.To {
			if strings.EqualFold(address, to) {
				got = append(got, m)
				break
			}
		}
	}
	return got
}
