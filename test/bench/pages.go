package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// page is one request that edge and a bare handler answer in turn.
type page struct {
	what string
	path string
	next request
	want float64
}

const (
	pageTime   = 1500 * time.Millisecond // measures one side
	searchTime = 300 * time.Millisecond  // tries one number of connections
)

var pageConnections = []int{8, 32, 128, 256}

// pages compares edge with a bare handler that serves the same bytes.
func (w *backing) pages(ctx context.Context) error {
	s, err := w.openShop(w.settings()...)
	if err != nil {
		return err
	}
	defer s.stop() //nolint:errcheck // measured by then, or failed for another reason

	member, err := s.visitor()
	if err != nil {
		return err
	}
	if err := member.register("bench_member"); err != nil {
		return err
	}
	if _, err := member.post("/order/cart-add-product-sku", "success", "sku_id", "6", "quantity", "1"); err != nil {
		return err
	}

	list := []page{
		{"GET /order/products", "/order/products", get("/order/products", "Accept: application/json"), 0.5},
		{"page views", "/clientevent/pageview", get(
			"/clientevent/pageview?url=https%3A%2F%2Fshop.example.com%2Fproduct%2FbSusp6dBHm&client_event_id=null&anonymous_id=null&pageWidth=1280",
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
			"Referer: https://shop.example.com/product/bSusp6dBHm"), 0.4},
		{"GET /user/logged-in, member", "/user/logged-in",
			get("/user/logged-in", "Accept: application/json", member.cookies()), 0.15},
		{"product page, gzip", "/product/bSusp6dBHm", get("/product/bSusp6dBHm", "Accept: text/html",
			"Accept-Encoding: gzip, deflate, br"),
			0},
	}

	bare, addr, err := w.bare(s.addr, list)
	if err != nil {
		return err
	}
	defer bare.stop() //nolint:errcheck // measured by then, or failed for another reason
	for _, p := range list {
		if !strings.Contains(p.what, w.bench.page) {
			continue
		}
		if err := w.compare(ctx, side{part: s.part, addr: s.addr}, side{part: bare, addr: addr}, p); err != nil {
			return err
		}
	}

	w.notes = append(w.notes, fmt.Sprintf("Memory of the shop after these loads: %.0f MiB.", s.memory()))
	return s.stop()
}

// bare starts the bare handler with the answers of edge.
func (w *backing) bare(edge string, list []page) (*part, string, error) {
	answers := map[string]bareAnswer{}
	for _, p := range list {
		header, body, err := fetch(edge, p.next)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", p.what, err)
		}
		kept := http.Header{"Content-Type": header["Content-Type"], "Content-Length": {strconv.Itoa(len(body))}}
		if e := header["Content-Encoding"]; e != nil {
			kept["Content-Encoding"] = e
		}
		answers[p.path] = bareAnswer{kept, body}
	}
	input, err := json.Marshal(answers)
	if err != nil {
		return nil, "", fmt.Errorf("marshal the answers: %w", err)
	}
	bare, err := w.start("bare", string(input))
	if err != nil {
		return nil, "", err
	}
	addr, err := bare.awaitLine("ready")
	return bare, addr, err
}

// side is one side of a comparison over HTTP.
type side struct {
	*part
	addr        string
	connections int
	spent       spent
}

func (w *backing) side(ctx context.Context, s *side, p page) (float64, error) {
	end := w.meter(s.part)
	rate, err := load(ctx, s.addr, s.connections, pageTime, p.next)
	s.spent.add(end(rate * pageTime.Seconds()))
	return rate, err
}

func (w *backing) compare(ctx context.Context, ours, bare side, p page) error {
	for _, s := range []*side{&ours, &bare} {
		var err error
		s.connections, err = best(ctx, pageConnections,
			func(ctx context.Context, n int) (float64, error) { return load(ctx, s.addr, n, searchTime, p.next) })
		if err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
	}
	r := result{what: p.what, against: "bare handler, same bytes", want: p.want}
	r.how = fmt.Sprintf("%d and %d connections", ours.connections, bare.connections)
	err := w.turns(ctx, r, w.rounds,
		func(ctx context.Context) (float64, error) { return w.side(ctx, &bare, p) },
		func(ctx context.Context) (float64, error) { return w.side(ctx, &ours, p) })
	w.notes = append(w.notes, fmt.Sprintf("Processor time, %s: %s; bare %s.", p.what, ours.spent, bare.spent))
	return err
}
