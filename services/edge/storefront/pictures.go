package storefront

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/media"
)

// pictures are the product pictures at fixed addresses, each with the smaller WebP versions beside
// it (name-400.webp and so on).
type pictures struct {
	byName map[string]*document
	widths map[string][]int  // widths of its WebP versions, ascending, by the address of the JPEG
	sets   map[string]string // srcset by the address of the JPEG
}

var sizedName = regexp.MustCompile(`^(.+)-(\d+)\.webp$`)

func loadPictures() (*pictures, error) {
	p := &pictures{byName: map[string]*document{}, widths: map[string][]int{}}
	entries, err := files.ReadDir("images/product")
	if err != nil {
		return nil, fmt.Errorf("list pictures: %w", err)
	}

	for _, e := range entries {
		body, err := files.ReadFile("images/product/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("read picture: %w", err)
		}
		doc, err := newDocument(body, typeByExtension(path.Ext(e.Name())), "public, max-age=3600")
		if err != nil {
			return nil, err
		}
		p.byName[e.Name()] = doc
		if m := sizedName.FindStringSubmatch(e.Name()); m != nil {
			width, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, fmt.Errorf("picture %s: %w", e.Name(), err)
			}
			jpeg := "/img/product/" + m[1] + ".jpg"
			p.widths[jpeg] = append(p.widths[jpeg], width)
		}
	}

	p.sets = map[string]string{}
	for jpeg, widths := range p.widths {
		slices.Sort(widths)
		p.sets[jpeg] = p.makeSrcset(jpeg)
	}
	return p, nil
}

// sizes maps a picture's address to the srcset of its versions, for scripts.
func (p *pictures) sizes() map[string]string { return p.sets }

// srcset lists the versions of a picture, each address with the hash of its bytes so that it may be
// kept forever; "" for a picture that has none. An uploaded picture has its widths in its name.
func (p *pictures) srcset(address string) string {
	if set, ours := p.sets[address]; ours {
		return set
	}
	return media.Srcset(address)
}

func (p *pictures) makeSrcset(jpeg string) string {
	var parts []string
	for _, w := range p.widths[jpeg] {
		name := fmt.Sprintf("%s-%d.webp", strings.TrimSuffix(path.Base(jpeg), ".jpg"), w)
		parts = append(parts, fmt.Sprintf("/img/product/%s?v=%s %dw", name, p.byName[name].tag, w))
	}
	return strings.Join(parts, ", ")
}

// ServeHTTP serves /img/product/…: cacheable forever if the query has the right hash, otherwise for
// an hour.
func (p *pictures) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	doc, ok := p.byName[path.Base(r.URL.Path)]
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", doc.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", doc.cache)
	if r.URL.Query().Get("v") == doc.tag {
		h.Set("Cache-Control", immutable)
	}
	doc.write(w, r, http.StatusOK)
}
