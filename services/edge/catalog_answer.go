package edge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// page is an answer of the API about the catalog, shared by many requests.
type page struct {
	status  int
	body    []byte
	header  [4][]string // values of pageHeaders
	version int64       // of the list of products under which it was requested
	// gzip and zstd are made when a client first accepts one.
	gzip, zstd func() *coded
}

// coded is the body in a content coding, with the headers that differ.
type coded struct {
	body              []byte
	name, length, tag []string
}

// pageHeaders are the headers of a page, in the order of page.header.
var pageHeaders = [4]string{"Content-Type", "Content-Length", "Etag", "Cache-Control"}

// codedFrom is the length from which compressing a body is worth it.
const codedFrom = 1024

func newPage(status int, contentType string, body []byte) *page {
	sum := sha256.Sum256(body)
	tag := base64.RawURLEncoding.EncodeToString(sum[:12])
	p := &page{status: status, body: body, header: [4][]string{{contentType}, {strconv.Itoa(len(body))},
		{`"` + tag + `"`},
		{"no-cache"}}}
	if status == http.StatusOK && len(body) >= codedFrom {
		p.gzip = sync.OnceValue(func() *coded { return newCoded(headerGzip, tag+"-gz", zip(body)) })
		p.zstd = sync.OnceValue(func() *coded {
			return newCoded(headerZstd, tag+"-zst",
				zstdEncoder.EncodeAll(body, nil))
		})
	}
	return p
}

func newCoded(name []string, tag string, body []byte) *coded {
	return &coded{body: body, name: name, length: []string{strconv.Itoa(len(body))}, tag: []string{`"` + tag + `"`}}
}

// zstdWindow is the match window. zstd keeps twice its size allocated: with the default that is 16
// MB of the 97 MB of a shop with 10,000 products.
const zstdWindow = 256 << 10

// zstdEncoder uses the default level: compressing the 3 MB list of 10,000 products takes a tenth of
// the time that a change of a price takes.
var zstdEncoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow),
	zstd.WithLowerEncoderMem(true)) //nolint:errcheck // only invalid options fail

// zip compresses a body. Writing to a buffer cannot fail.
func zip(body []byte) []byte {
	var buf bytes.Buffer
	w := zipWriters.Get().(*gzip.Writer) //nolint:forcetypeassert // the pool's own
	defer zipWriters.Put(w)
	w.Reset(&buf)
	w.Write(body) //nolint:errcheck,gosec // see above
	w.Close()     //nolint:errcheck,gosec // see above
	return buf.Bytes()
}

var zipWriters = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

// size is the memory that the page takes, including its compressed forms.
func (p *page) size() uint32 { return uint32(512 + 3*len(p.body)/2) } //nolint:gosec // some kB

// tag is the page's ETag.
func (p *page) tag() string { return p.header[2][0] }

// write sends the page in a coding that the client accepts, or 304 if the client has it.
func (p *page) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for i, name := range pageHeaders {
		h[name] = p.header[i]
	}
	body, tag := p.body, p.tag()
	if c := p.coding(r); c != nil {
		h["Content-Encoding"], h["Content-Length"], h["Etag"] = c.name, c.length, c.tag
		body, tag = c.body, c.tag[0]
	}
	if p.gzip != nil {
		h["Vary"] = headerVaryCoding
	}
	if p.status == http.StatusOK && web.NotModified(w, r, tag) {
		return
	}
	if p.status != http.StatusOK {
		w.WriteHeader(p.status)
	}
	if r.Method != http.MethodHead {
		if _, err := w.Write(body); err != nil { //nolint:gosec // html/template or JSON made it
			web.Note(r, "write_error", err.Error())
		}
	}
}

// coding is the compressed form to send; nil for none.
func (p *page) coding(r *http.Request) *coded {
	switch {
	case p.gzip == nil || len(r.Header["Accept-Encoding"]) == 0:
		return nil
	case web.AcceptsEncoding(r, "zstd"):
		return p.zstd()
	case web.AcceptsEncoding(r, "gzip"):
		return p.gzip()
	}
	return nil
}

// productAnswer serves single products.
func (s *server) productAnswer(w http.ResponseWriter, r *http.Request) error {
	identifier := strings.TrimPrefix(r.URL.Path, productPath)
	if !plain(identifier) || strings.ContainsAny(identifier, "-_") {
		s.notFound(w, r)
		return nil
	}
	get := func(ctx context.Context) (*page, error) { return s.catalog.product(ctx, identifier, catalogFresh) }
	if len(identifier) > maxIdentifier {
		get = func(ctx context.Context) (*page, error) { return s.fetchPage(ctx, r.URL.Path) } // no product has it
	}
	p, err := get(r.Context())
	if err != nil {
		return web.Unavailable(err)
	}
	p.write(w, r)
	return nil
}

// productsAnswer serves the contract's list of all products, or a part of it: a collection or the
// result of a search, as a whole or in pages.
func (s *server) productsAnswer(w http.ResponseWriter, r *http.Request) error {
	list, err := s.catalog.list(r.Context(), catalogFresh)
	if err != nil {
		return web.Unavailable(err)
	}
	query := r.URL.Query()
	if !query.Has("page") && !query.Has("collection") && !query.Has("q") && !query.Has("sort") {
		s.catalog.all(list).write(w, r)
		return nil
	}
	q := listing.ReadQuery(query.Get("collection"), query)
	if q.Collection != "" && list.Collection(q.Collection) == nil {
		return web.NotFound()
	}
	var part partOfList
	if query.Has("q") {
		part, err = s.found(r.Context(), list, query.Get("q"), q)
	} else {
		part, err = pick(list, q, query.Has("page"))
	}
	if err != nil {
		return err
	}
	newPage(http.StatusOK, "application/json", part.json()).write(w, r)
	return nil
}

// partOfList is a part of the list of products for the API.
type partOfList struct {
	products []*listing.Product
	paged    bool
	page     listing.Page
	meant    string
}

// found is a page of the products that a search finds, in a collection or in all products.
func (s *server) found(ctx context.Context, list *listing.List, text string, q listing.Query) (partOfList, error) {
	found, err := s.catalog.search(ctx, list, text)
	if err != nil {
		return partOfList{}, web.Unavailable(err)
	}
	cut, ok := listing.Cut(listing.Arrange(found.Products, q), q.Page)
	if !ok {
		return partOfList{}, web.NotFound()
	}
	return partOfList{products: cut.Products, paged: true, page: cut, meant: found.Meant}, nil
}

// pick is a collection or all products, as a whole or one page.
func pick(list *listing.List, q listing.Query, paged bool) (partOfList, error) {
	if !paged {
		return partOfList{products: list.All(q.Collection, q.Sort)}, nil
	}
	found, ok := list.Page(q)
	if !ok {
		return partOfList{}, web.NotFound()
	}
	return partOfList{products: found.Products, paged: true, page: found}, nil
}

// json is the contract's answer. It holds products as order wrote them.
func (l partOfList) json() []byte {
	size := 256
	for _, p := range l.products {
		size += len(p.Identifier) + len(p.Body) + 4
	}
	buf := bytes.NewBuffer(make([]byte, 0, size))
	buf.WriteString(`{"products_data":{`)

	for i, p := range l.products {
		if i > 0 {
			buf.WriteByte(',')
		}
		buf.WriteString(`"` + p.Identifier + `":`) // letters and digits
		buf.Write(p.Body)
	}

	buf.WriteByte('}')
	if l.paged {
		fmt.Fprintf(buf, `,"page":%d,"pages":%d,"count":%d`, l.page.Number, l.page.Pages, l.page.Count)
	}
	if l.meant != "" {
		meant, err := json.Marshal(l.meant)
		if err != nil {
			panic(err) // texts always marshal
		}
		fmt.Fprintf(buf, `,"meant":%s`, meant)
	}

	fmt.Fprintf(buf, `,"order-api-version":"%s"}`, web.APIVersion{})
	return buf.Bytes()
}

// all is the contract's list, built once for each version.
func (c *catalog) all(list *listing.List) *page {
	if p := c.fullList.Load(); p != nil && p.version == list.Version {
		return p
	}
	key := "all " + strconv.FormatInt(list.Version, 10)
	made, _, _ := c.flights.Do(key, func() (any, error) { //nolint:errcheck // the function returns none
		p := newPage(http.StatusOK, "application/json", partOfList{products: list.Products()}.json())
		p.version = list.Version
		c.fullList.Store(p)
		return p, nil
	})
	return made.(*page) //nolint:forcetypeassert // returned a few lines above
}
