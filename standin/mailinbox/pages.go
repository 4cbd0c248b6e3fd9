package mailinbox

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed templates
var templateFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"join":  func(s []string) string { return strings.Join(s, ", ") },
	"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" },
	"kB":    func(n int) string { return strconv.Itoa((n+1023)/1024) + " kB" },
}).ParseFS(templateFiles, "templates/*.html"))

// pageLimit is how many mails the page lists.
const pageLimit = 200

// render writes a page in one piece, so that a failing template cannot leave half a page.
func (s *Server) render(w http.ResponseWriter, status int, name string, data any) {
	var buf bytes.Buffer
	if err := pages.ExecuteTemplate(&buf, name, data); err != nil {
		s.serverError(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w) // a client that has gone needs no answer
}

func (s *Server) notFound(w http.ResponseWriter) {
	s.render(w, http.StatusNotFound, "missing.html", nil)
}

// listView is what the list shows.
type listView struct {
	Query   string
	Refresh string // address of the part of the list that is refreshed
	Total   int
	Mails   []Mail
	Trouble bool // whether a switch is on
}

func (s *Server) list(r *http.Request) listView {
	query := valid(r.URL.Query().Get("q"))
	mails, total := s.choose(filter{words: fold(query)}, pageLimit)
	sw := s.Switches()
	return listView{
		Query:   query,
		Refresh: "/list?" + url.Values{"q": {query}}.Encode(),
		Total:   total,
		Mails:   mails,
		Trouble: sw.Down || sw.Stall != nil || sw.LoseReply != nil || sw.DropAfterReply != nil || len(sw.Refuse) > 0,
	}
}

// listPage serves GET /.
func (s *Server) listPage(w http.ResponseWriter, r *http.Request) {
	s.render(w, http.StatusOK, "index.html", s.list(r))
}

// listPart serves GET /list, the part of the page that refreshes.
func (s *Server) listPart(w http.ResponseWriter, r *http.Request) {
	s.render(w, http.StatusOK, "list.html", s.list(r))
}

// header is one line of the table of a mail's header.
type header struct{ Name, Value string }

// mailView is what the page of a mail shows.
type mailView struct {
	Mail
	View    string // html, text, headers or raw
	Copies  int
	Pieces  []piece
	Lines   []header
	RawText string
}

// mailPage serves GET /mails/{id}?view=….
func (s *Server) mailPage(w http.ResponseWriter, r *http.Request) {
	m, ok, err := s.mail(r.PathValue("id"))
	if err != nil {
		s.serverError(w, err)
		return
	}
	if !ok {
		s.notFound(w)
		return
	}

	v := mailView{Mail: m, View: r.URL.Query().Get("view"), Copies: s.Seen(m.MessageID)}
	switch v.View {
	case "headers":
		v.Lines = headerLines(m.Headers)
	case "raw":
		v.RawText = valid(string(m.Raw[:min(len(m.Raw), maxTextBytes)]))
	case "text":
		v.Pieces = linkify(m.Text)
	default:
		v.View = "html"
		if m.HTML == "" {
			v.View = "text"
			v.Pieces = linkify(m.Text)
		}
	}
	s.render(w, http.StatusOK, "mail.html", v)
}

func headerLines(headers map[string][]string) []header {
	var lines []header
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, v := range headers[name] {
			lines = append(lines, header{name, v})
		}
	}
	return lines
}

// mailHTML serves GET /mails/{id}/html, the mail's own HTML, for the frame of its page. The Content
// Security Policy disarms it, even if it is opened outside the frame.
func (s *Server) mailHTML(w http.ResponseWriter, r *http.Request) {
	m, ok, err := s.mail(r.PathValue("id"))
	if err != nil {
		s.serverError(w, err)
		return
	}
	if !ok {
		s.notFound(w)
		return
	}
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// The first base element with a target wins: links leave the frame.
	_, _ = io.WriteString(w, "<!doctype html><base target=\"_top\">"+m.HTML) // a client that has gone needs no answer
}

// mailRaw serves GET /mails/{id}/raw, byte by byte.
func (s *Server) mailRaw(w http.ResponseWriter, r *http.Request) {
	m, ok, err := s.mail(r.PathValue("id"))
	if err != nil {
		s.serverError(w, err)
		return
	}
	if !ok {
		s.notFound(w)
		return
	}
	w.Header().Set("Content-Security-Policy", rawPolicy)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(m.Raw) // a client that has gone needs no answer
}

// clearForm serves POST /clear, the button of the list.
func (s *Server) clearForm(w http.ResponseWriter, r *http.Request) {
	if err := s.Clear(); err != nil {
		s.serverError(w, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// piece is a stretch of a text mail; with a URL it is a link.
type piece struct{ Text, URL string }

var webAddress = regexp.MustCompile(`https?://[^\s<>"'\x60\x00-\x1f]+`)

// linkify cuts a text into plain stretches and links. Punctuation at a link's end belongs to the
// sentence around it.
func linkify(text string) []piece {
	var pieces []piece
	at := 0
	for _, span := range webAddress.FindAllStringIndex(text, -1) {
		link := strings.TrimRight(text[span[0]:span[1]], ".,;:!?)]}")
		if u, err := url.Parse(link); err != nil || u.Host == "" {
			continue
		}
		pieces = append(pieces, piece{Text: text[at:span[0]]}, piece{Text: link, URL: link})
		at = span[0] + len(link)
	}
	return append(pieces, piece{Text: text[at:]})
}
