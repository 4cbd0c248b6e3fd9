package testenv

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Client asks a service over HTTP: as edge asks the services behind it, with a signed identity, or
// as a browser asks edge, with cookies. It does not follow redirects. A request without an answer
// ends the test.
type Client struct {
	TB testing.TB
	// Identity is in each request, signed with Key. Without a key it is left out.
	web.Identity
	Key []byte
	// Staff, if set, is the person of the staff who requests a service's pages of the back office;
	// see AsStaff.
	Staff *Staff
	// Handler is asked within the process; when it is nil, the server at URL is asked.
	Handler http.Handler
	URL     string
	// Header goes with each request that has none of its own under the same name.
	Header http.Header
	// Jar keeps cookies; when it is nil, none are kept.
	Jar http.CookieJar
	// Check looks at each answer; see Contract.Below.
	Check func(r *http.Request, w *http.Response)
}

// As is the client with another identity.
func (c *Client) As(id web.Identity) *Client {
	other := *c
	other.Identity = id
	return &other
}

// Get asks for a path with a query of name, value, name, value….
func (c *Client) Get(path string, pairs ...string) Answer {
	c.TB.Helper()
	return c.Ask(http.MethodGet, path, pairs...)
}

// Post sends a form of name, value, name, value….
func (c *Client) Post(path string, pairs ...string) Answer {
	c.TB.Helper()
	return c.Ask(http.MethodPost, path, pairs...)
}

// Ask makes a request, with pairs of names and values as a form in a POST and as the query
// otherwise.
func (c *Client) Ask(method, path string, pairs ...string) Answer {
	c.TB.Helper()
	return c.Do(c.Request(method, path, pairs...))
}

// Request is what Ask sends, to be changed before Do.
func (c *Client) Request(method, path string, pairs ...string) *http.Request {
	c.TB.Helper()
	text := Form(pairs...).Encode()
	if method != http.MethodPost {
		if text != "" {
			path += "?" + text
		}
		return c.Body(method, path, "")
	}
	r := c.Body(method, path, text)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	return r
}

// Body is a request with a body of any kind.
func (c *Client) Body(method, path, body string) *http.Request {
	c.TB.Helper()
	if c.Handler != nil {
		return httptest.NewRequestWithContext(c.TB.Context(), method, path, strings.NewReader(body))
	}
	r, err := http.NewRequestWithContext(c.TB.Context(), method, c.URL+path, strings.NewReader(body))
	if err != nil {
		c.TB.Fatal(err)
	}
	return r
}

// Do signs and sends a request, and reads the answer.
func (c *Client) Do(r *http.Request) Answer {
	c.TB.Helper()
	for name, values := range c.Header {
		if r.Header[name] == nil {
			r.Header[name] = values
		}
	}

	if c.Key != nil {
		if err := web.SignIdentity(r, c.Key, c.Identity); err != nil {
			c.TB.Fatal(err)
		}
	}

	if c.Staff != nil {
		c.Staff.sign(c.TB, r)
	}
	w := c.send(r)
	if c.Check != nil {
		c.Check(r, w)
	}
	body, err := io.ReadAll(w.Body)
	if err != nil {
		c.TB.Fatalf("read the answer to %s %s: %v", r.Method, r.URL.Path, err)
	}
	if err := w.Body.Close(); err != nil {
		c.TB.Fatal(err)
	}

	return Answer{TB: c.TB, Request: r, Status: w.StatusCode, Header: w.Header, Body: string(body)}
}

func (c *Client) send(r *http.Request) *http.Response {
	c.TB.Helper()
	if c.Handler != nil {
		rec := httptest.NewRecorder()
		c.Handler.ServeHTTP(rec, r)
		return rec.Result()
	}
	over := http.Client{
		Transport:     transport,
		Jar:           c.Jar,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w, err := over.Do(r)
	if err != nil {
		c.TB.Fatal(err)
	}
	return w
}

// transport keeps more connections than Go's own: tests send many requests to one server at once.
var transport = &http.Transport{MaxIdleConnsPerHost: 20}

// Form is a form of name, value, name, value….
func Form(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}
