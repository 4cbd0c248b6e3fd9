package stripestandin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// PayOptions describes the payer for Pay and POST /_/sessions/{id}/pay. Empty fields are filled in,
// so that the zero value pays any session by card.
type PayOptions struct {
	Email          string   `json:"email"`
	Name           string   `json:"name"`
	Phone          string   `json:"phone"`
	Address        *Address `json:"address"` // billing address, and shipping address if the session asks for one
	Delayed        bool     `json:"delayed"` // pays by bank debit, like "method": "delayed"
	Method         string   `json:"method"`  // "card" or "delayed"
	ShippingOption int      `json:"shipping_option"`
}

// Address is a postal address.
type Address struct {
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	State      string `json:"state"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
}

// Ledger is what the stand-in knows of a session, with which tests compare orders. Amounts are in
// minor units, times in seconds.
type Ledger struct {
	ID                string            `json:"id"`
	Status            string            `json:"status"`
	PaymentStatus     string            `json:"payment_status"`
	PaymentIntent     string            `json:"payment_intent"`
	Method            string            `json:"method"`
	AmountSubtotal    int64             `json:"amount_subtotal"`
	AmountDiscount    int64             `json:"amount_discount"`
	AmountShipping    int64             `json:"amount_shipping"`
	AmountTotal       int64             `json:"amount_total"`
	AmountRefunded    int64             `json:"amount_refunded"`
	Refunds           []LedgerRefund    `json:"refunds"` // newest first
	Disputed          bool              `json:"disputed"`
	AmountDisputed    int64             `json:"amount_disputed"` // that disputes took and have not given back
	Currency          string            `json:"currency"`
	Email             string            `json:"email"`
	ClientReferenceID string            `json:"client_reference_id"`
	Metadata          map[string]string `json:"metadata"`
	Lines             []LedgerLine      `json:"lines"`
	Created           int64             `json:"created"`
	ExpiresAt         int64             `json:"expires_at"`
	CompletedAt       int64             `json:"completed_at"`
	AsyncPending      bool              `json:"async_pending"`
	URL               string            `json:"url"`
}

// LedgerLine is a line of a session.
type LedgerLine struct {
	Description string `json:"description"`
	UnitAmount  int64  `json:"unit_amount"`
	Quantity    int64  `json:"quantity"`
}

// LedgerRefund is a refund of a session's payment.
type LedgerRefund struct {
	ID       string            `json:"id"`
	Amount   int64             `json:"amount"`
	Status   string            `json:"status"`
	Metadata map[string]string `json:"metadata"`
}

// Paid reports whether the session is paid or needed no payment.
func (l Ledger) Paid() bool { return l.PaymentStatus != "unpaid" }

func (s *Server) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_/switches", s.showSwitches)
	mux.HandleFunc("POST /_/switches", s.setSwitches)
	mux.HandleFunc("DELETE /_/switches", s.resetSwitches)
	mux.HandleFunc("POST /_/clock", s.control(s.moveClock))
	mux.HandleFunc("GET /_/sessions", s.control(func(*http.Request) (any, error) {
		return map[string]any{"sessions": s.Sessions()}, nil
	}))
	mux.HandleFunc("GET /_/events", s.control(func(*http.Request) (any, error) {
		return map[string]any{"events": s.Deliveries()}, nil
	}))
	mux.HandleFunc("POST /_/sessions/{id}/pay", s.control(s.controlPay))
	mux.HandleFunc("POST /_/sessions/{id}/expire", s.control(func(r *http.Request) (any, error) {
		return done, s.Expire(r.PathValue("id"))
	}))

	mux.HandleFunc("POST /_/sessions/{id}/async", s.control(func(r *http.Request) (any, error) {
		outcome := r.FormValue("outcome")
		if outcome != "succeed" && outcome != "fail" {
			return nil, refuse("", "outcome", "outcome must be succeed or fail")
		}
		return done, s.SettleDebit(r.PathValue("id"), outcome == "succeed")
	}))

	mux.HandleFunc("POST /_/payments/{pi}/refund", s.control(func(r *http.Request) (any, error) {
		amount, err := amountField(r)
		if err != nil {
			return nil, err
		}
		id, err := s.Refund(r.PathValue("pi"), amount)
		return map[string]string{"id": id}, err
	}))

	mux.HandleFunc("POST /_/refunds/{id}", s.control(func(r *http.Request) (any, error) {
		return done, s.SettleRefund(r.PathValue("id"), r.FormValue("outcome"))
	}))
	mux.HandleFunc("POST /_/payments/{pi}/dispute", s.control(s.controlDispute))
	mux.HandleFunc("POST /_/events/{id}/resend", s.control(func(r *http.Request) (any, error) {
		return done, s.Resend(r.PathValue("id"))
	}))
	mux.HandleFunc("GET /{$}", s.dashboard)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.pageFailed(w, noSuch(http.StatusNotFound, "page", "", ""))
	})
}

var done = map[string]bool{"ok": true}

// control wraps a call of the control surface. JSON bodies become form values; a browser's form
// (field back) is redirected to the dashboard.
func (s *Server) control(fn func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, pageBody)
		err := readControlBody(r)
		var out any
		if err == nil {
			out, err = fn(r)
		}
		if err == nil && r.PostFormValue("back") != "" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		s.controlAnswer(w, out, err)
	}
}

func (s *Server) controlAnswer(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if err != nil {
		status = http.StatusInternalServerError
		if e, ok := errors.AsType[*apiError](err); ok {
			status = e.Status
		}
		out = map[string]string{"error": err.Error()}
	}
	body, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		s.log.Error("control answer not encoded", "err", err)
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	writeBody(w, append(body, '\n'))
}

// readControlBody turns a JSON object of texts, numbers and booleans into form fields. The body
// stays readable for calls that accept more than that.
func readControlBody(r *http.Request) error {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := r.ParseForm(); err != nil {
			return refuse("", "", "The form could not be read.")
		}
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return refuse("", "", "The request could not be read.")
	}

	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Form = r.URL.Query()
	r.PostForm = map[string][]string{}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}

	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&fields); err != nil {
		return refuse("", "", "The request is not a JSON object.")
	}

	for name, v := range fields {
		r.Form.Set(name, fmt.Sprint(v))
	}
	return nil
}

func amountField(r *http.Request) (int64, error) {
	v := r.FormValue("amount")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 {
		return 0, refuse("", "amount", "amount must be a positive whole number of cents")
	}
	return n, nil
}

func (s *Server) controlPay(r *http.Request) (any, error) {
	var opt PayOptions
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(r.Body).Decode(&opt); err != nil && !errors.Is(err, io.EOF) {
			return nil, refuse("", "", "The request is not what this call takes: %v", err)
		}
	} else {
		opt = PayOptions{Email: r.FormValue("email"), Name: r.FormValue("name"), Method: r.FormValue("method")}
	}
	event, err := s.Pay(r.PathValue("id"), opt)
	return map[string]string{"event": event}, err
}

func (s *Server) controlDispute(r *http.Request) (any, error) {
	pi := r.PathValue("pi")
	var id string
	var err error
	switch outcome := r.FormValue("outcome"); outcome {
	case "evidence", "escalate", "won", "lost":
		id, err = s.ChangeDispute(pi, outcome)
	case "", "inquiry":
		id, err = s.Dispute(pi, outcome != "")
	default:
		err = refuse("", "outcome", "outcome must be empty (open a dispute), inquiry, evidence, escalate, won or lost")
	}
	return map[string]string{"id": id}, err
}

func (s *Server) moveClock(r *http.Request) (any, error) {
	seconds, err := strconv.ParseInt(r.FormValue("advance_seconds"), 10, 64)
	if err != nil || seconds < -maxStepSeconds || seconds > maxStepSeconds {
		return nil, refuse("", "advance_seconds", "advance_seconds must be a whole number of seconds, at most a year")
	}
	if err := s.AdvanceClock(time.Duration(seconds) * time.Second); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"offset_seconds": int64(s.state.settings.Offset / time.Second), "now": s.clock().Unix()}, nil
}

// maxStepSeconds is the longest step of the clock, a year.
const maxStepSeconds = 366 * 24 * 3600

func (s *Server) showSwitches(w http.ResponseWriter, _ *http.Request) {
	s.controlAnswer(w, s.Switches(), nil)
}

// POST /_/switches changes the switches that the JSON object or form names.
func (s *Server) setSwitches(w http.ResponseWriter, r *http.Request) {
	body, err := switchesBody(w, r)
	if err != nil {
		s.controlAnswer(w, nil, refuse("", "", "%s", err.Error()))
		return
	}

	var bad error
	err = s.SetSwitches(func(sw *Switches) {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		next := sw.clone()
		if bad = dec.Decode(&next); bad == nil {
			*sw = next
		}
	})

	if bad != nil {
		err = bad
	}
	switch {
	case err != nil:
		s.controlAnswer(w, nil, refuse("", "", "%s", err.Error()))
	case r.PostFormValue("back") != "":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		s.controlAnswer(w, s.Switches(), nil)
	}
}

// switchesBody is the JSON of the request; a form's fields are turned into it.
func switchesBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(w, r.Body, pageBody)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		body, err := io.ReadAll(r.Body)
		return body, err
	}
	if err := r.ParseForm(); err != nil {
		return nil, errors.New("the form could not be read")
	}

	fields := map[string]any{}
	for name := range r.PostForm {
		v := strings.TrimSpace(r.PostForm.Get(name))
		switch {
		case name == "back":
		case strings.HasSuffix(name, "_ms") || strings.HasSuffix(name, "_seconds"):
			n, err := strconv.ParseInt("0"+v, 10, 64)
			if rest, negative := strings.CutPrefix(v, "-"); negative {
				n, err = strconv.ParseInt("-0"+rest, 10, 64)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: want a whole number", name)
			}
			fields[name] = n
		default:
			fields[name] = v
		}
	}

	return json.Marshal(fields)
}

func (s *Server) resetSwitches(w http.ResponseWriter, _ *http.Request) {
	err := s.SetSwitches(func(sw *Switches) { *sw = Switches{} })
	s.controlAnswer(w, s.Switches(), err)
}
