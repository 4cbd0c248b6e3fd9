package order

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/services/order/picture"
)

// pictureHost is another server with pictures, which the service may ask although it runs on this
// machine.
func (e *env) pictureHost(handler http.HandlerFunc) (address string) {
	e.t.Helper()
	host := httptest.NewTLSServer(handler)
	e.t.Cleanup(host.Close)
	known := x509.NewCertPool()
	known.AddCert(host.Certificate())
	at := netip.MustParseAddrPort(host.Listener.Addr().String())
	e.server.fetcher = picture.NewFetcher(func(a netip.AddrPort) bool { return a == at }, &tls.Config{RootCAs: known})
	e.t.Cleanup(e.server.fetcher.Close)
	return host.URL
}

// fetchAll fetches all pictures that are due, and returns their number.
func (e *env) fetchAll() (n int) {
	e.t.Helper()
	for {
		done, err := e.server.fetchPicture(e.t.Context())
		if err != nil {
			e.t.Fatal(err)
		}
		if !done {
			return n
		}
		n++
	}
}

// Pictures that a file names are fetched into the shop's own store, and replace the addresses.
// Staff see which could not be fetched and why, and have them tried again; taking the file back
// removes them, too.
func TestPicturesOfAFileAreFetched(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var whole atomic.Bool
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, striped(300, 200)); err != nil {
		t.Fatal(err)
	}
	host := e.pictureHost(func(w http.ResponseWriter, r *http.Request) {
		to := func(address string) { http.Redirect(w, r, address, http.StatusFound) }
		switch r.URL.Path {
		case "/front.jpg":
			w.Write(jpegOf(striped(500, 400))) //nolint:errcheck // a test
		case "/moved.jpg":
			to("/back.png")
		case "/back.png":
			w.Write(drawn.Bytes()) //nolint:errcheck // a test
		case "/late.jpg":
			if !whole.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.Write(jpegOf(striped(50, 40))) //nolint:errcheck // a test
		case "/page.jpg":
			fmt.Fprint(w, "<html>") //nolint:errcheck // a test
		case "/large.jpg":
			w.Header().Set("Content-Length", "99999999")
		case "/round.jpg":
			to("/round.jpg")
		case "/plain.jpg":
			to("http://" + r.Host + "/front.jpg")
		case "/inside.jpg":
			to("https://127.0.0.2/front.jpg")
		default:
			http.NotFound(w, r)
		}
	})

	// A file names two good pictures and seven that cannot be fetched, yet or at all.
	owner := e.browser(adminui.Owner)
	file := "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Image Alt Text,Published\n" +
		"hat,Hat,Title,Default Title,HAT,19.00," + host + "/front.jpg?v=1,A hat,TRUE\n"
	others := []string{"moved", "late", "gone", "page", "large", "round", "plain", "inside"}
	for _, name := range others {
		file += "hat,,,,,," + host + "/" + name + ".jpg,\n"
	}
	before := e.goods()

	// Nothing is shown before it is fetched.
	path := bring(owner, file)
	owner.Get(path).Has(200, "<dt>Pictures</dt><dd>9</dd>")
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	owner.Get(path).Has(200, "0 of 9 fetched", "9 under way")
	sold := func(first string, pictures int) { // what shoppers see: nothing that was not fetched
		t.Helper()
		hat := "/order/product/" + e.Text(`SELECT identifier FROM product WHERE title_url = 'hat'`)
		var shown struct {
			Data struct {
				Images map[string]any `json:"product_images"`
			} `json:"product_data"`
		}
		if err := json.Unmarshal([]byte(e.visitor().Get(hat).Body), &shown); err != nil || len(shown.Data.Images) != pictures {
			t.Errorf("%d pictures for shoppers, want %d: %v", len(shown.Data.Images), pictures, err)
		}
		if got := e.Text(`SELECT image_url FROM sku_any WHERE product_title_url = 'hat'`); got != first {
			t.Errorf("carts show %s, want %s", got, first)
		}
		body := e.client.Get("/internal/catalog").Body
		if strings.Contains(body, host) || !strings.Contains(body, first) {
			t.Error("the list shows a picture that is not here, or none")
		}
	}

	sold("", 0)
	if n := e.fetchAll(); n != 9 {
		t.Errorf("%d were tried, want 9", n)
	}

	// The two good ones are in their places.
	pictures := func() []string {
		return strings.Fields(e.Text(`SELECT string_agg(image_url, ' ' ORDER BY i.id) FROM product_image i
			JOIN product p ON p.id = i.product_id
			WHERE title_url = 'hat'`))
	}
	shown := pictures()
	for i, address := range shown {
		if ours := media.ValidName(strings.TrimPrefix(address, media.Path)); ours != (i < 2) {
			t.Errorf("picture %d: %s", i, address)
		}
	}

	if n := e.Number(`SELECT count(*) FROM product_image WHERE image_url = $1 AND main_image AND alternative_text = 'A hat'`,
		shown[0]); n != 1 {
		t.Error("the first one is not in its place")
	}
	sold(shown[0], 2)
	if n := e.Number(`SELECT count(*) FROM picture_to_make`); n != 2 {
		t.Errorf("%d become WebP, want 2", n)
	}

	// Staff see why the others are missing.
	says := []string{"answers 404 Not Found", "not a JPEG", "larger than 24 MB", "redirects too often", "without https", "inside a network",
		"answers 503 Service Unavailable"}
	owner.Get(path).Has(200, append(says, "2 of 9 fetched", "1 under way, 6 not available", "Fetch them again")...)
	product := "/staff/catalog/products/" + e.Text(`SELECT identifier FROM product WHERE title_url = 'hat'`) + "/media"
	owner.Get(product).Has(200, append(says, "Not in the shop yet", "Fetch them again")...)
	e.browser(adminui.Support).Post(product + "/fetch").Has(http.StatusForbidden)

	// A server that is down is asked again automatically, not at once, and not forever; a picture
	// that was given up is tried again when staff say so.
	if n := e.fetchAll(); n != 0 {
		t.Errorf("%d were tried at once, want 0", n)
	}

	for _, tries := range []int{1, 4} {
		e.Exec(`UPDATE picture_fetch SET due = now(), tries = $1 WHERE state = 'waiting'`, tries)
		if n := e.fetchAll(); n != 1 {
			t.Errorf("%d were tried again, want 1", n)
		}
	}

	owner.Get(path).Has(200, "7 not available")
	whole.Store(true)
	owner.Post(product + "/fetch").Has(http.StatusSeeOther)
	owner.Post(path + "/pictures").Has(http.StatusSeeOther) // nothing has been given up yet
	if n := e.fetchAll(); n != 7 {
		t.Errorf("%d were tried for staff, want 7", n)
	}

	owner.Get(path).Has(200, "3 of 9 fetched", "6 not available")
	if acts := e.acts(); !strings.Contains(acts, "catalog.edit product ") {
		t.Errorf("noted: %s", acts)
	}
	owner.Get(bring(owner, file)).Has(200, "The shop already has all of this")
	owner.Post(path + "/undo").Has(http.StatusSeeOther)
	if e.goods() != before || e.Number(`SELECT count(*) FROM picture_fetch`) != 0 {
		t.Error("the file is not taken back")
	}
}

// A picture that a file added to an existing product is removed with the file even if it was
// fetched; one that is being fetched is then not shown.
func TestFetchedPicturesAreTakenBack(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	host := e.pictureHost(func(w http.ResponseWriter, r *http.Request) {
		w.Write(jpegOf(striped(50+len(r.URL.Path), 40))) //nolint:errcheck // a test
	})
	owner := e.browser(adminui.Owner)
	count := func(want int) {
		t.Helper()
		if n := e.Number(`SELECT count(*) FROM product_image WHERE product_id = 1`); n != want {
			t.Errorf("%d pictures, want %d", n, want)
		}
	}

	before := e.Number(`SELECT count(*) FROM product_image WHERE product_id = 1`)
	path := bring(owner, "product,picture\nbSusp6dBHm,"+host+"/a.jpg\nbSusp6dBHm,"+host+"/bb.jpg\n")
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	if done, err := e.server.fetchPicture(t.Context()); err != nil || !done {
		t.Fatal(done, err)
	}
	late, found, err := claimFetch(t.Context(), e.pool)
	if err != nil || !found {
		t.Fatal(found, err)
	}

	count(before + 2)
	owner.Post(path + "/undo").Has(http.StatusSeeOther)
	count(before)
	if err := pgx.BeginFunc(t.Context(), e.pool, func(tx pgx.Tx) error {
		return storeFetched(t.Context(), tx, late, media.Path+"x.jpg")
	}); err != nil {
		t.Fatal(err)
	}
	count(before)
}
