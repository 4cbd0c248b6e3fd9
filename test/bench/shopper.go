package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// steps are the requests of one purchase, in their order, as the storefront makes them.
var steps = []string{"token", "add to cart", "shipping methods", "choose shipping", "give address", "confirm",
	"create session",
	"pay at Stripe", "success page", "order page"}

// Indexes of steps.
const (
	stepToken = iota
	stepAdd
	stepMethods
	stepShipping
	stepAddress
	stepConfirm
	stepSession
	stepPay
	stepSuccess
	stepOrder
)

// link is a keep-alive connection with one request at a time. It parses no more than a purchase
// needs.
type link struct {
	ctx  context.Context //nolint:containedctx // of the run, to dial again
	addr string
	conn net.Conn
	in   *bufio.Reader
	buf  bytes.Buffer
	used time.Time
}

// linkTTL is shorter than the time for which servers keep an idle connection.
const linkTTL = 2 * time.Second

func dial(ctx context.Context, addr string) (*link, error) {
	l := &link{ctx: ctx, addr: addr}
	return l, l.dial()
}

func (l *link) dial() (err error) {
	if l.conn, err = new(net.Dialer).DialContext(l.ctx, "tcp", l.addr); err != nil {
		return err
	}
	l.in, l.used = bufio.NewReaderSize(l.conn, 32<<10), time.Now()
	return nil
}

func (l *link) close() { _ = l.conn.Close() } // all answers were read

// ask sends a request and returns the answer's headers and body. An answer other than 200 is an
// error.
func (l *link) ask(method, path, body string, headers ...string) (http.Header, []byte, error) {
	if time.Since(l.used) > linkTTL {
		l.close()
		if err := l.dial(); err != nil {
			return nil, nil, err
		}

	}
	l.buf.Reset()
	fmt.Fprintf(&l.buf, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, l.addr)
	for _, h := range headers {
		l.buf.WriteString(h + "\r\n")
	}
	if method == http.MethodPost {
		fmt.Fprintf(&l.buf, "Content-Length: %d\r\n", len(body))
	}

	l.buf.WriteString("\r\n" + body)
	if err := l.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, nil, err
	}
	if _, err := l.conn.Write(l.buf.Bytes()); err != nil {
		return nil, nil, err
	}

	answer, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	raw, err := io.ReadAll(answer.Body)
	l.used = time.Now()
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, nil, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s %s answers %s: %.300s", method, path, answer.Status, raw)
	}
	return answer.Header, raw, nil
}

// shopper is a visitor in the middle of a purchase. Each has a client address, as behind a proxy.
type shopper struct {
	shop, stripe *link
	address      string // X-Forwarded-For
	mail         string
	cookies      []string // name=value
	session      string
	order        string
}

// step makes one request of the purchase.
func (s *shopper) step(n int) error {
	switch n {
	case stepToken:
		return s.get("/user/token", "", nil)
	case stepAdd:
		return s.post("/order/cart-add-product-sku", "sku_id=6&quantity=2", "success")
	case stepMethods:
		return s.get("/order/cart-shipping-methods", "shipping_method_selected", nil)
	case stepShipping:
		return s.post("/order/cart-update-shipping-method", "shipping_method_identifier=USPSRetailGround", "success")
	case stepAddress:
		return s.post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address="+s.mail, "success")
	case stepConfirm:
		return s.get("/order/confirm-totals", `"cart_found":true`, nil)
	case stepSession:
		return s.createSession()
	case stepPay:
		_, _, err := s.stripe.ask(http.MethodPost, "/_/sessions/"+s.session+"/pay", "{}",
			"Content-Type: application/json")
		return err
	case stepSuccess:
		var done struct {
			Identifier string `json:"order_identifier"`
		}
		err := s.get("/order/checkout-session-success?session_id="+s.session, "success", &done)
		s.order = done.Identifier
		return err
	}
	return s.get("/order/"+s.order, `"order_detail":"success"`, nil)
}

func (s *shopper) createSession() error {
	raw, err := s.ask(http.MethodPost, "/order/create-checkout-session",
		"agree_to_terms_of_sale=true&anonymous_email_address="+s.mail, "success")
	if err != nil {
		return err
	}
	var made struct {
		SessionID string `json:"session_id"`
	}
	if err := json.Unmarshal(raw, &made); err != nil || made.SessionID == "" {
		return fmt.Errorf("no session in %s: %w", raw, err)
	}
	s.session = made.SessionID
	return nil
}

func (s *shopper) get(path, want string, into any) error {
	raw, err := s.ask(http.MethodGet, path, "", want)
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

func (s *shopper) post(path, form, want string) error {
	_, err := s.ask(http.MethodPost, path, form, want)
	return err
}

// ask sends a request as this shopper's browser would, and wants a text in the answer.
func (s *shopper) ask(method, path, form, want string) ([]byte, error) {
	headers := []string{"X-Forwarded-For: " + s.address, "Cookie: " + strings.Join(s.cookies, "; ")}
	if method == http.MethodPost {
		headers = append(headers, "Content-Type: application/x-www-form-urlencoded",
			"X-CSRFToken: "+s.cookie("csrftoken"))
	}
	h, raw, err := s.shop.ask(method, path, form, headers...)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(raw, []byte(want)) {
		return nil, fmt.Errorf("%s answers %.300s", path, raw)
	}
	for _, line := range h["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		s.keep(pair)
	}
	return raw, nil
}

// keep stores a cookie, name=value, in the place of an older one.
func (s *shopper) keep(pair string) {
	name, _, _ := strings.Cut(pair, "=")
	for i, c := range s.cookies {
		if strings.HasPrefix(c, name+"=") {
			s.cookies[i] = pair
			return
		}
	}
	s.cookies = append(s.cookies, pair)
}

func (s *shopper) cookie(name string) string {
	for _, c := range s.cookies {
		if value, ok := strings.CutPrefix(c, name+"="); ok {
			return value
		}
	}
	return ""
}

// newShopper is the nth shopper of a side, on connections that several use one after another.
func newShopper(shop, stripe *link, n int64) *shopper {
	return &shopper{shop: shop, stripe: stripe, address: fmt.Sprintf("11.%d.%d.%d", n>>16&255, n>>8&255, n&255),
		mail: "shopper" + strconv.FormatInt(n, 10) + "@mail.example.com"}
}
