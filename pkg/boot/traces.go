package boot

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

// Traces says where the spans of traces go. The names are OpenTelemetry's.
type Traces struct {
	OTLPEndpoint string `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT" desc:"trace collector, such as http://host:4318: OTLP over HTTP, /v1/traces is added; when empty, no traces are sent"`
	OTLPHeaders  string `envconfig:"OTEL_EXPORTER_OTLP_HEADERS" desc:"headers for it, such as a key: name=value, comma-separated, values percent-encoded"`
}

// validate quotes no value: headers hold secrets.
func (c Traces) validate() error {
	var errs []error
	if u, err := url.Parse(c.OTLPEndpoint); c.OTLPEndpoint != "" &&
		(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" ||
			u.Fragment != "") {
		errs = append(errs, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is not an address: want http://host:port"))
	}
	_, err := c.headers()
	return errors.Join(append(errs, err)...)
}

// headerName allows fewer names than HTTP does, but all that are in use.
var headerName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// headers are those of OTLPHeaders (OpenTelemetry's OTLP Exporter Configuration 1.40: as W3C
// Baggage, without properties).
func (c Traces) headers() (map[string]string, error) {
	headers := map[string]string{}
	for pair := range strings.SplitSeq(c.OTLPHeaders, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || err != nil || !headerName.MatchString(name) || strings.ContainsFunc(value, unicode.IsControl) {
			return nil, errors.New("OTEL_EXPORTER_OTLP_HEADERS is not a list of name=value")
		}
		headers[http.CanonicalHeaderKey(name)] = value
	}
	return headers, nil
}

// export sends the spans of this process to the collector until stop is called; without one it does
// nothing.
func (c Traces) export(log *slog.Logger) (stop func(), err error) {
	headers, err := c.headers()
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	if c.OTLPEndpoint == "" {
		return func() {}, nil
	}
	return obs.ExportSpans(log, c.OTLPEndpoint, headers), nil
}
