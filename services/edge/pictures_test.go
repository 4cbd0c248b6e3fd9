package edge

import (
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/media"
)

// An uploaded picture is served to everyone and may be cached forever; nothing else of the folder
// is served.
func TestUploadedPictures(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	name := media.Name(strings.Repeat("0a", 16), 800)
	b := e.browser()
	if a := b.Get(media.Path + name); a.Status != http.StatusNotFound {
		t.Error(a)
	}
	if err := e.server.media.store.Put(t.Context(), name, []byte("a picture")); err != nil {
		t.Fatal(err)
	}

	for range 2 { // from the folder, then from memory
		a := b.Get(media.Path + name)
		a.Has(http.StatusOK, "a picture")
		if h := a.Header; h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Content-Type") != "image/jpeg" ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Set-Cookie") != "" {
			t.Errorf("%v", h)
		}
	}

	r := b.Request(http.MethodGet, media.Path+name)
	r.Header.Set("If-None-Match", `"`+name+`"`)
	if a := b.Do(r); a.Status != http.StatusNotModified {
		t.Error(a)
	}

	for _, bad := range []string{"x", "..%2f..%2fetc%2fpasswd", name + "x", strings.ToUpper(name)} {
		if a := b.Get(media.Path + bad); a.Status != http.StatusNotFound {
			t.Errorf("%s: %s", bad, a)
		}
	}
}

// Until the WebP of a picture is made, its JPEG is served in its place, and not cached forever.
func TestAPictureUntilItsWebPIsMade(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	name := media.Name(strings.Repeat("0c", 16), 800)
	b := e.browser()
	if a := b.Get(media.Path + media.WebP(name)); a.Status != http.StatusNotFound {
		t.Error(a)
	}

	for _, stage := range []struct{ name, body, kind, cache string }{
		{name: name, body: "a JPEG", kind: "image/jpeg", cache: "public, max-age=60"},
		{name: media.WebP(name), body: "a WebP", kind: "image/webp", cache: "public, max-age=31536000, immutable"},
	} {
		if err := e.server.media.store.Put(t.Context(), stage.name, []byte(stage.body)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // from the folder, then from memory
			a := b.Get(media.Path + media.WebP(name))
			a.Has(http.StatusOK, stage.body)
			if h := a.Header; h.Get("Cache-Control") != stage.cache || h.Get("Content-Type") != stage.kind {
				t.Errorf("%v", h)
			}
		}
		r := b.Request(http.MethodGet, media.Path+media.WebP(name)) // a browser that had the JPEG gets the WebP
		r.Header.Set("If-None-Match", `"`+name+`"`)
		if a := b.Do(r); (a.Status == http.StatusNotModified) != (stage.name == name) {
			t.Error(a)
		}
	}
}
