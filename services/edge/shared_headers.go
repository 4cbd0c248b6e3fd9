package edge

import (
	"net/http"
	"slices"
	"strconv"
)

// Values of headers that are the same in many answers: all answers share them, and nothing appends
// to them (docs/adr/0019).
var (
	thankYou       = []byte(`"thank you"`)
	headerThankYou = []string{strconv.Itoa(len(thankYou))}
	headerJSON     = []string{"application/json"}
	headerNoStore  = []string{"no-store"}

	headerNosniff     = []string{"nosniff"}
	headerDeny        = []string{"DENY"}
	headerSameOrigin  = []string{"same-origin"}
	headerAPIPolicy   = []string{apiPolicy}
	headerVaryOrigin  = []string{"Origin"}
	headerVaryCoding  = []string{"Origin, Accept-Encoding"}
	headerGzip        = []string{"gzip"}
	headerZstd        = []string{"zstd"}
	headerCredentials = []string{"true"}
	headerFilePolicy  = []string{"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
)

func (s *server) setAPIHeaders(h http.Header, r *http.Request) {
	s.setCommonHeaders(h)
	h["Content-Security-Policy"] = headerAPIPolicy
	h["Vary"] = headerVaryOrigin
	if origin := r.Header["Origin"]; len(origin) == 1 && slices.Contains(s.settings.origins, origin[0]) {
		h["Access-Control-Allow-Origin"] = origin
		h["Access-Control-Allow-Credentials"] = headerCredentials
	}
}

func (s *server) setCommonHeaders(h http.Header) {
	h["X-Content-Type-Options"] = headerNosniff
	h["X-Frame-Options"] = headerDeny
	h["Referrer-Policy"] = headerSameOrigin
	if s.hsts != nil {
		h["Strict-Transport-Security"] = s.hsts
	}
}
