package storefront

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
)

// BenchmarkPage is a product page from memory, router and headers included.
func BenchmarkPage(b *testing.B) {
	_, pages, _ := newFake(b)
	router := chi.NewRouter()
	pages.Mount(router)
	benchmark(b, router)
}

// BenchmarkBare is a handler that does nothing but write the same bytes.
func BenchmarkBare(b *testing.B) {
	_, pages, _ := newFake(b)
	router := chi.NewRouter()
	pages.Mount(router)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, request())
	body := w.Body.Bytes()
	benchmark(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if _, err := w.Write(body); err != nil {
			b.Error(err)
		}
	}))
}

func request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/product/bSusp6dBHm", nil)
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	return r
}

// benchmark sends requests over real connections, because most of a page's time goes there.
func benchmark(b *testing.B, handler http.Handler) {
	server := httptest.NewServer(handler)
	defer server.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	defer transport.CloseIdleConnections()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := request()
			r.URL.Scheme, r.URL.Host, r.RequestURI = "http", server.Listener.Addr().String(), ""
			answer, err := transport.RoundTrip(r)
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				b.Error(err)
			}
			if err := answer.Body.Close(); err != nil {
				b.Error(err)
			}
		}
	})
}
