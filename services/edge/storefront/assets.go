package storefront

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// assets are the static files, each under a name with the hash of its bytes, so that a browser may
// keep it forever. References inside the files (imports of scripts, addresses in the stylesheet)
// are rewritten to the hashed names.
type assets struct {
	byPath  map[string]*document // by hashed path, as requested
	before  map[string]*document // by hashed path: files of the earlier pages
	hashed  map[string]string    // plain name ("js/app.js") to hashed path ("/static/app-….js")
	imports map[string][]string  // script to the scripts it imports statically, by plain name
}

// immutable is the Cache-Control of files whose address has their hash.
const immutable = "public, max-age=31536000, immutable"

var (
	// importPattern finds './x.js' in "from './x.js'", "import './x.js'" and "import('./x.js')",
	// and '../x.js' as well.
	importPattern = regexp.MustCompile(`(from\s*|import\s*\(?\s*)'(\.\.?/[a-z-]+\.js)'`)
	// urlPattern finds url(../fonts/x) in the stylesheet.
	urlPattern = regexp.MustCompile(`url\(\.\./([a-z0-9/.-]+)\)`)
	// stylesheets are joined in this order into the stylesheet of the shop.
	stylesheets = []string{"theme.css", "base.css", "layout.css", "catalog.css", "shopping.css", "account.css",
		"print.css"}
)

// loadAssets reads all static files; words is the generated module of texts and settings.
func loadAssets(words []byte) (*assets, error) {
	a := &assets{byPath: map[string]*document{}, hashed: map[string]string{}, imports: map[string][]string{}}
	if err := a.addPlain(); err != nil {
		return nil, err
	}
	if err := a.addStylesheet(); err != nil {
		return nil, err
	}
	scripts := map[string][]byte{"words.js": words}
	if err := readScripts(scripts); err != nil {
		return nil, err
	}
	for name := range scripts {
		if err := a.addScript(name, scripts, nil); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// readScripts reads modules and pages' scripts by their names below static/js. Tests and their data
// have a second dot in their names (links.test.js).
func readScripts(scripts map[string][]byte) error {
	const root = "static/js/"
	return fs.WalkDir(files, "static/js", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Count(e.Name(), ".") > 1 {
			return err
		}
		scripts[strings.TrimPrefix(name, root)], err = files.ReadFile(name)
		return err
	})
}

// addPlain adds fonts and icons, which refer to no other files.
func (a *assets) addPlain() error {
	for _, dir := range []string{"static/fonts", "images/icons"} {
		entries, err := files.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("list static files: %w", err)
		}
		for _, e := range entries {
			body, err := files.ReadFile(path.Join(dir, e.Name()))
			if err != nil {
				return fmt.Errorf("read static file: %w", err)
			}
			if err := a.add(path.Join(path.Base(dir), e.Name()), body); err != nil {
				return err
			}
		}
	}
	return nil
}

// addStylesheet joins all stylesheets into one file: one request, not seven, delays the first
// paint.
func (a *assets) addStylesheet() error {
	var all bytes.Buffer
	for _, name := range stylesheets {
		body, err := files.ReadFile("static/css/" + name)
		if err != nil {
			return fmt.Errorf("read stylesheet: %w", err)
		}
		all.Write(body)
	}
	body := urlPattern.ReplaceAllFunc(squeeze(stripCSSComments(all.Bytes())), func(m []byte) []byte {
		name := string(urlPattern.FindSubmatch(m)[1])
		return []byte("url(" + a.path(name) + ")")
	})
	return a.add("css/shop.css", body)
}

var cssComment = regexp.MustCompile(`(?s)/\*.*?\*/\s*`)

func stripCSSComments(css []byte) []byte { return cssComment.ReplaceAll(css, nil) }

var (
	scriptComment = regexp.MustCompile(`(?m)^[ \t]*(?://.*|/\*(?:[^*]|\*+[^*/])*\*+/[ \t]*)$`)
	indentation   = regexp.MustCompile(`(?m)^[ \t]+`)
)

// stripScript removes what a browser does not need: comments on lines of their own, and
// indentation. Lines keep their numbers, so that the errors that browsers report can be found in
// the source.
func stripScript(js []byte) []byte {
	js = scriptComment.ReplaceAllFunc(js, func(c []byte) []byte {
		return bytes.Repeat([]byte("\n"), bytes.Count(c, []byte("\n")))
	})
	return indentation.ReplaceAll(js, nil)
}

// addScript adds a script after those it imports, because its bytes hold their hashes.
func (a *assets) addScript(name string, scripts map[string][]byte, way []string) error {
	if _, done := a.hashed["js/"+name]; done {
		return nil
	}
	if slices.Contains(way, name) {
		return fmt.Errorf("scripts import each other in a circle: %s", strings.Join(append(way, name), " → "))
	}
	body, ok := scripts[name]
	if !ok {
		return fmt.Errorf("script %s is imported by %v and does not exist", name, way)
	}

	body = stripScript(body)
	plain := func(imported []byte) string { return path.Join(path.Dir(name), string(imported)) }
	for _, m := range importPattern.FindAllSubmatch(body, -1) {
		if err := a.addScript(plain(m[2]), scripts, append(way, name)); err != nil {
			return err
		}
		if !strings.Contains(string(m[1]), "(") {
			a.imports[name] = append(a.imports[name], plain(m[2]))
		}
	}

	body = importPattern.ReplaceAllFunc(body, func(m []byte) []byte {
		parts := importPattern.FindSubmatch(m)
		hashed := path.Base(a.path("js/" + plain(parts[2]))) // all are served from one folder
		return []byte(string(parts[1]) + "'./" + hashed + "'")
	})

	return a.add("js/"+name, body)
}

func (a *assets) add(name string, body []byte) error {
	ext := path.Ext(name)
	doc, err := newDocument(body, typeByExtension(ext), immutable)
	if err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	hashed := "/static/" + strings.TrimSuffix(path.Base(name), ext) + "-" + doc.tag + ext
	a.hashed[name] = hashed
	a.byPath[hashed] = doc
	return nil
}

// path is the hashed address of a plain name. An unknown name is a programming error, which
// rendering all templates at the start reveals.
func (a *assets) path(name string) string {
	p, ok := a.hashed[name]
	if !ok {
		panic("storefront: no static file " + name)
	}
	return p
}

// preloads are the hashed addresses of all scripts that a script imports, directly or not.
func (a *assets) preloads(name string) []string {
	var list []string
	var walk func(string)
	walk = func(n string) {
		for _, dep := range a.imports[n] {
			if p := a.path("js/" + dep); !slices.Contains(list, p) {
				list = append(list, p)
				walk(dep)
			}
		}
	}
	walk(name)
	return list
}

// ServeHTTP serves /static/….
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	doc, ok := a.byPath[r.URL.Path]
	if !ok {
		doc, ok = a.before[r.URL.Path]
	}
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	doc.ServeHTTP(w, r)
}

// typeByExtension is fixed here, because the machine's own table differs between systems.
func typeByExtension(ext string) string {
	switch ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".woff2":
		return "font/woff2"
	case ".webp":
		return "image/webp"
	case ".svg":
		return "image/svg+xml"
	case ".ico":
		return "image/x-icon"
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// wordsModule is the one generated script: the texts that scripts show, the settings that they
// need, and the sizes of pictures.
func (p *Pages) wordsModule() []byte {
	words := map[string]any{
		"texts": p.texts.under("script."),
		"shop": map[string]any{
			"name":       p.cfg.Shop.Name,
			"email":      p.cfg.Shop.Email,
			"sign":       p.cfg.Shop.CurrencySign,
			"language":   p.cfg.Shop.Language,
			"videoHosts": p.cfg.Shop.VideoHosts,
		},
		"pictures": p.pictures.sizes(),
	}
	body, err := json.Marshal(words)
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return []byte("export default " + string(body) + ";\n")
}
