package storefront

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Whatever a static file refers to must be a hashed name that exists.
func TestStaticFilesReferToHashedNames(t *testing.T) {
	t.Parallel()
	_, pages, server := newFake(t)
	reference := regexp.MustCompile(`(?:from|import\(?)\s*'([^']+)'|url\(([^)]+)\)`)
	for name, doc := range pages.assets.byPath {
		if !strings.HasSuffix(name, ".js") && !strings.HasSuffix(name, ".css") {
			continue
		}
		for _, m := range reference.FindAllStringSubmatch(string(doc.body), -1) {
			target := path.Join("/static", m[1]+m[2])
			if strings.HasPrefix(m[2], "/") {
				target = m[2]
			}
			if pages.assets.byPath[target] == nil {
				t.Errorf("%s refers to %s", name, target)
			}
		}
	}
	answer, _ := fetch(t, server, pages.assets.path("js/app.js"))
	if answer.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || answer.Header.Get("Cache-Control") != immutable {
		t.Errorf("headers of a script: %v", answer.Header)
	}
	if answer, _ := fetch(t, server, "/static/app-x.js"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a file that does not exist: %d", answer.StatusCode)
	}
}

// The pictures that the catalog names exist, as JPEG and in smaller sizes.
func TestCatalogPicturesExist(t *testing.T) {
	t.Parallel()
	_, pages, server := newFake(t)
	for _, name := range []string{"paper_clip_main_2", "paper_clip_left_2", "paper_clip_right_2", "paper_clip_video_1_2_thumbnail",
		"binder_clips_main_2", "binder_clip_large_2", "binder_clip_medium_2", "binder_clip_small_2", "binder_clip_video_1_2_thumbnail",
		"rubber_bands_2"} {
		jpeg := "/img/product/" + name + ".jpg"
		answer, body := fetch(t, server, jpeg)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "image/jpeg" ||
			!strings.HasPrefix(body, "\xff\xd8\xff") {
			t.Errorf("%s: status %d, %s", jpeg, answer.StatusCode, answer.Header.Get("Content-Type"))
		}
		srcset := pages.pictures.srcset(jpeg)
		if strings.Count(srcset, "?v=") != 4 {
			t.Errorf("%s: srcset %q", jpeg, srcset)
		}
		sized, _ := fetch(t, server, strings.Fields(srcset)[0])
		if sized.Header.Get("Cache-Control") != immutable || sized.Header.Get("Content-Type") != "image/webp" {
			t.Errorf("%s: headers of the smallest version: %v", jpeg, sized.Header)
		}
	}

	wrong, _ := fetch(t, server, "/img/product/rubber_bands_2-400.webp?v=old")
	if wrong.Header.Get("Cache-Control") == immutable {
		t.Error("a picture under an old hash may be kept forever")
	}
	if answer, _ := fetch(t, server, "/img/product/nothing.jpg"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a picture that does not exist: %d", answer.StatusCode)
	}
}

// Every text that a script uses exists, and every text is used somewhere.
func TestScriptsAndTextsMatch(t *testing.T) {
	t.Parallel()
	_, pages, _ := newFake(t)

	var source strings.Builder
	for _, pattern := range []string{"static/js/*.js", "static/js/pages/*.js", "templates/*.html", "templates/parts/*.html", "*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(body)
		}
	}

	script := pages.texts.under("script.")
	for _, m := range regexp.MustCompile(`\bt\('([^']+)'`).FindAllStringSubmatch(source.String(), -1) {
		if _, ok := script[m[1]]; !ok {
			t.Errorf("a script asks for the text %q, which is not there", m[1])
		}
	}

	families := regexp.MustCompile(`^(errors|messages|codes|confirm|unsubscribe|password|account|order|success|back|trouble|undo|header|sort|script\..*)\.`)
	for key := range pages.texts {
		plain := strings.TrimPrefix(key, "script.")
		used := strings.Contains(source.String(), `"`+key+`"`) || strings.Contains(source.String(), `'`+plain+`'`)
		if !used && !families.MatchString(plain) && !strings.Contains(key, ".page_") && !strings.HasPrefix(key, "pythonabot.excited_") &&
			!strings.HasPrefix(key, "reasons.") {
			t.Errorf("no one shows the text %q", key)
		}
	}
}

func TestStructuredDataOfAProduct(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	_, body := fetch(t, server, "/product/ITHJW3mytn")
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		Type   string `json:"@type"`
		Name   string
		Image  []string
		Offers []struct{ Price, PriceCurrency, Availability string }
	}

	meta := map[string]string{}
	for node := range root.Descendants() {
		attrs := map[string]string{}
		for _, a := range node.Attr {
			attrs[a.Key] = a.Val
		}
		if attrs["type"] == "application/ld+json" {
			if err := json.Unmarshal([]byte(node.FirstChild.Data), &data); err != nil {
				t.Fatal(err)
			}
		}
		meta[attrs["property"]] = attrs["content"]
		if attrs["rel"] == "canonical" {
			meta["canonical"] = attrs["href"]
		}
	}

	if data.Type != "Product" || data.Name != "Binder Clips" || len(data.Offers) != 3 || len(data.Image) != 4 {
		t.Errorf("structured data: %+v", data)
	}
	for _, offer := range data.Offers {
		if offer.PriceCurrency != "USD" || !strings.HasPrefix(offer.Availability, "https://schema.org/") || offer.Price == "" {
			t.Errorf("offer: %+v", offer)
		}
	}

	if meta["canonical"] != server.URL+"/product/ITHJW3mytn" || meta["og:title"] != "Binder Clips" ||
		meta["og:image"] != server.URL+"/img/product/binder_clips_main_2.jpg" {
		t.Errorf("head: %v", meta)
	}
	for _, whole := range []string{"$5.99", "$4.99", "$3.99", "Back Ordered", "Out of Stock", "Holds up to 40 sheets",
		"Drawn from spring steel"} {
		if !strings.Contains(body, whole) {
			t.Errorf("without scripts the page lacks %q", whole)
		}
	}
}

func TestRobotsManifestAndIcons(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	_, robots := fetch(t, server, "/robots.txt")
	if !strings.Contains(robots, "Sitemap: "+server.URL+"/sitemap.xml") || strings.Contains(robots, "Disallow: /\n") {
		t.Errorf("robots.txt: %s", robots)
	}
	_, body := fetch(t, server, "/site.webmanifest")
	var manifest struct {
		Name  string
		Icons []struct{ Src string }
	}
	if err := json.Unmarshal([]byte(body), &manifest); err != nil {
		t.Fatal(err)
	}
	for _, icon := range manifest.Icons {
		if answer, _ := fetch(t, server, icon.Src); answer.StatusCode != http.StatusOK {
			t.Errorf("icon %s: status %d", icon.Src, answer.StatusCode)
		}
	}
	if answer, _ := fetch(t, server, "/favicon.ico"); answer.StatusCode != http.StatusOK {
		t.Errorf("favicon: status %d", answer.StatusCode)
	}
}

// Node's own test runner tests the intricate parts of the scripts, with the generated texts.
func TestScriptsInNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("this test needs node: install Debian's package nodejs")
	}
	_, pages, _ := newFake(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("static/js")); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"words.js": pages.wordsModule(), "package.json": []byte(`{"type":"module"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), node, "--test")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("node --test: %v\n%s", err, out)
	}
}

// Browsers get scripts without comments and indentation, with the same line numbers.
func TestScriptsAreStripped(t *testing.T) {
	t.Parallel()
	const source = "// a\n/**\n * b **/\nimport './x.js'; // c\n  f('// d', '/* e'); /* g */\n\t/* h */ i();\n//\nj(/^/*k/);\n"
	const want = "\n\n\nimport './x.js'; // c\nf('// d', '/* e'); /* g */\n/* h */ i();\n\nj(/^/*k/);\n"
	if got := string(stripScript([]byte(source))); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	scripts := map[string][]byte{}
	if err := readScripts(scripts); err != nil {
		t.Fatal(err)
	}
	for name, body := range scripts {
		if lean := stripScript(body); bytes.Count(lean, []byte("\n")) != bytes.Count(body, []byte("\n")) {
			t.Errorf("%s has other lines", name)
		}
		n := 0
		for line := range bytes.Lines(body) {
			if n++; bytes.Count(line, []byte("`"))%2 != 0 {
				t.Errorf("%s:%d begins a text of several lines, whose indentation would be lost", name, n)
			}
		}
	}
}
