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

// page is an answer of the API about the catalog, to be given to many.
type page struct {
	status  int
	body    []byte
	header  [4][]string // values of pageHeaders
	version int64       // of the list of products that it was asked for under
	// gzip and zstd are made when a client first takes one.
	gzip, zstd func() *coded
}

// coded is the body in a content coding, with values of headers that differ.
type coded struct {
	body              []byte
	name, length, tag []string
}

// pageHeaders are the headers of a page, in the order of page.header.
var pageHeaders = [4]string{"Content-Type", "Content-Length", "Etag", "Cache-Control"}

// codedFrom is the length from which a body is worth being compressed.
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

// zstdWindow is how far back a body is looked through for what comes again, and zstd keeps that memory, twice over, for
// ever: 16 MB with the default, of the 97 that a shop of 10,000 products held.
const zstdWindow = 256 << 10

// zstdEncoder compresses at the speed at which a list of 10,000 products, 3 MB, takes a tenth of its price change.
var zstdEncoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow),
	zstd.WithLowerEncoderMem(true)) //nolint:errcheck // only options can be wrong

// zip compresses. A buffer takes all that is written to it.
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

// size is what the page takes in memory, with what it may take when it is compressed.
func (p *page) size() uint32 { return uint32(512 + 3*len(p.body)/2) } //nolint:gosec // some kB

// tag is the page's ETag.
func (p *page) tag() string { return p.header[2][0] }

// write answers with the page in a coding that the client takes, or with 304 when the client has it.
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
		if _, err := w.Write(body); err != nil { //nolint:gosec // rendered by html/template or encoded as JSON
			web.Note(r, "write_error", err.Error())
		}
	}
}

// coding is the compressed form to answer with; nil for none.
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
func (e *server) productAnswer(w http.ResponseWriter, r *http.Request) error {
	identifier := strings.TrimPrefix(r.URL.Path, productPath)
	if !plain(identifier) || strings.ContainsAny(identifier, "-_") {
		e.notFound(w, r)
		return nil
	}
	get := func(ctx context.Context) (*page, error) { return e.catalog.product(ctx, identifier, catalogFresh) }
	if len(identifier) > maxIdentifier {
		get = func(ctx context.Context) (*page, error) { return e.fetchPage(ctx, r.URL.Path) } // no product has it
	}
	p, err := get(r.Context())
	if err != nil {
		return web.Unavailable(err)
	}
	p.write(w, r)
	return nil
}

// productsAnswer serves the contract's list of all products, or a part of it: a collection, what a search finds, each
// as a whole or in pages.
func (e *server) productsAnswer(w http.ResponseWriter, r *http.Request) error {
	list, err := e.catalog.list(r.Context(), catalogFresh)
	if err != nil {
		return web.Unavailable(err)
	}
	query := r.URL.Query()
	if !query.Has("page") && !query.Has("collection") && !query.Has("q") && !query.Has("sort") {
		e.catalog.all(list).write(w, r)
		return nil
	}
	q := listing.ReadQuery(query.Get("collection"), query)
	if q.Collection != "" && list.Collection(q.Collection) == nil {
		return web.NotFound()
	}
	var part partOfList
	if query.Has("q") {
		part, err = e.found(r.Context(), list, query.Get("q"), q)
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

// found is a page of what a search finds, in a collection or in all products.
func (e *server) found(ctx context.Context, list *listing.List, text string, q listing.Query) (partOfList, error) {
	found, err := e.catalog.search(ctx, list, text)
	if err != nil {
		return partOfList{}, web.Unavailable(err)
	}
	cut, ok := listing.Cut(listing.Arrange(found.Products, q), q.Page)
	if !ok {
		return partOfList{}, web.NotFound()
	}
	return partOfList{products: cut.Products, paged: true, page: cut, meant: found.Meant}, nil
}

// pick is a collection or all products: one page of it, or the whole.
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

// json is the contract's answer. Products stand in it as order wrote them.
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

// all is the contract's list, put together once for each version.
func (c *catalog) all(list *listing.List) *page {
	if p := c.whole.Load(); p != nil && p.version == list.Version {
		return p
	}
	key := "all " + strconv.FormatInt(list.Version, 10)
	made, _, _ := c.questions.Do(key, func() (any, error) { //nolint:errcheck // there is none
		p := newPage(http.StatusOK, "application/json", partOfList{products: list.Products()}.json())
		p.version = list.Version
		c.whole.Store(p)
		return p, nil
	})
	return made.(*page) //nolint:forcetypeassert // of the lines above
}
