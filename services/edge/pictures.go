package edge

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/maypok86/otter/v2"

	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// pictureMemory bounds the bytes of cached pictures.
const pictureMemory = 32 << 20

// pictures are the uploaded pictures.
type pictures struct {
	store media.Store
	kept  *otter.Cache[string, []byte] // by name
}

func openPictures(address string) (*pictures, error) {
	store, err := media.Open(address)
	if err != nil {
		return nil, err
	}
	return &pictures{store: store, kept: otter.Must(&otter.Options[string, []byte]{MaximumWeight: pictureMemory,
		Weigher: func(_ string, body []byte) uint32 { return uint32(256 + len(body)) }})}, nil //nolint:gosec // some MB
}

// get returns a picture from memory or from the store.
func (p *pictures) get(ctx context.Context, name string) ([]byte, error) {
	if body, there := p.kept.GetIfPresent(name); there {
		return body, nil
	}
	body, err := p.store.Get(ctx, name)
	if err == nil {
		p.kept.Set(name, body)
	}
	return body, err
}

const (
	// keptForEver is for files that never change under their name, keptShortly for the JPEG that
	// stands in for a WebP.
	keptForEver = "public, max-age=31536000, immutable"
	keptShortly = "public, max-age=60"
)

// picture serves a picture. A file never changes under its name, so a browser that has it never
// asks again. Until the WebP of a picture is made, its JPEG is served in its place.
func (s *server) picture(w http.ResponseWriter, r *http.Request) error {
	name, keep := chi.URLParam(r, "name"), keptForEver
	body, err := s.media.get(r.Context(), name)
	if errors.Is(err, media.ErrNotFound) && media.JPEG(name) != name {
		name, keep = media.JPEG(name), keptShortly
		body, err = s.media.get(r.Context(), name)
	}
	if errors.Is(err, media.ErrNotFound) {
		s.notFound(w, r)
		return nil
	} else if err != nil {
		return web.Unavailable(err)
	}

	h, tag := w.Header(), `"`+name+`"`
	h.Set("Content-Type", media.Type(name))
	h.Set("Cache-Control", keep)
	h.Set("Etag", tag)
	if web.NotModified(w, r, tag) {
		return nil
	}

	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		if _, err := w.Write(body); err != nil {
			web.Note(r, "write_error", err.Error())
		}
	}

	return nil
}
