package mailinbox

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed static
var staticFiles embed.FS

// Content Security Policies. The page has no inline script or style; a mail's HTML may style itself
// and show pictures, and its links may open in the whole window when they are clicked, but nothing
// in it runs, loads a frame, submits a form or moves the base of its links.
const (
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; form-action 'none'; " +
		"base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox " +
		"allow-top-navigation-by-user-activation"
	rawPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"
)

// routes are the requests that the inbox answers.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(static)))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, static, "favicon.svg")
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})

	mux.HandleFunc("GET /{$}", s.listPage)
	mux.HandleFunc("GET /list", s.listPart)
	mux.HandleFunc("GET /mails/{id}", s.mailPage)
	mux.HandleFunc("GET /mails/{id}/html", s.mailHTML)
	mux.HandleFunc("GET /mails/{id}/raw", s.mailRaw)
	mux.HandleFunc("GET /switches", s.switchesPage)
	mux.HandleFunc("POST /switches", s.switchesForm)
	mux.HandleFunc("POST /clear", s.clearForm)

	mux.HandleFunc("GET /api/mails", s.apiMails)
	mux.HandleFunc("DELETE /api/mails", s.apiClear)
	mux.HandleFunc("GET /api/mails/{id}", s.apiMail)
	mux.HandleFunc("GET /api/seen", s.apiSeen)
	mux.HandleFunc("GET /api/switches", s.apiSwitches)
	mux.HandleFunc("POST /api/switches", s.apiSetSwitches)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "there is nothing at this address")
	})
	// Other sites' pages cannot empty the inbox or turn switches in a developer's browser.
	return http.NewCrossOriginProtection().Handler(guard(mux))
}

// guard sets the headers of every answer; the handlers of mails replace the policy by their own.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
