package adminui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed static/*.css static/*.js static/*.svg
var staticFiles embed.FS

// assets are the static files by name, each with the hash that its address holds.
var assets = readAssets()

type asset struct {
	body []byte
	hash string
}

func readAssets() map[string]asset {
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // they are embedded
	}
	all := map[string]asset{}
	for _, e := range entries {
		body, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err) // they are embedded
		}
		sum := sha256.Sum256(body)
		all[e.Name()] = asset{body, hex.EncodeToString(sum[:8])}
	}
	return all
}

// Asset is the address of a static file of the kit.
func Asset(name string) (string, error) {
	a, ok := assets[name]
	if !ok {
		return "", fmt.Errorf("the kit has no file %s", name)
	}
	ext := path.Ext(name)
	return "/static/" + strings.TrimSuffix(name, ext) + "-" + a.hash + ext, nil
}

// types are fixed here: the machine's own table differs from place to place.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// Static serves the kit's files below /static/. A file under the hash of another version, from a
// service that was upgraded earlier or later than admin, is served in the version of this process
// and not cached.
func Static(w http.ResponseWriter, r *http.Request) {
	file := path.Base(r.URL.Path)
	ext := path.Ext(file)
	stem, hash, _ := cutLast(strings.TrimSuffix(file, ext), "-")
	a, ok := assets[stem+ext]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", types[ext])
	w.Header().Set("Cache-Control", "no-store")
	if hash == a.hash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Write(a.body) //nolint:errcheck,gosec // the client may have left; the file is the kit's own
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
