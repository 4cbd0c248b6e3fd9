package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
)

// maxBytes bounds what is read of an object; the largest picture that is written is far below it.
const maxBytes = 16 << 20

// immutable is how long anyone may keep a picture: what is under a name never changes.
const immutable = "public, max-age=31536000, immutable"

// amazon is a server of AWS, with its region.
var amazon = regexp.MustCompile(`^s3\.([a-z0-9-]+)\.amazonaws\.com`)

// bucket keeps pictures as objects of a bucket. It speaks as much of S3 as that takes: the
// libraries for it were a tenth of edge's image.
type bucket struct {
	server, region string // https://host, eu-central-1
	prefix         string // bucket and folder
	rights         rights
	client         *http.Client
}

// bucketTimeout bounds a request to the server of a bucket, with the picture.
const bucketTimeout = time.Minute

func openBucket(u *url.URL) (Store, error) {
	b := bucket{
		server: "https://" + u.Host,
		region: u.Query().Get("region"),
		prefix: strings.Trim(u.Path, "/"),
		rights: &taskRights{},
		client: &http.Client{Timeout: bucketTimeout},
	}
	if u.User != nil {
		secret, _ := u.User.Password()
		b.rights = login{key: u.User.Username(), secret: secret}
	}
	if u.Query().Get("tls") == "off" {
		b.server = "http://" + u.Host
	}
	if at := amazon.FindStringSubmatch(u.Host); b.region == "" && at != nil {
		b.region = at[1]
	}
	if b.region == "" {
		b.region = "us-east-1" // what servers take that have no regions
	}
	if at, err := url.Parse(b.server); err != nil || at.Host != u.Host {
		return nil, errors.New("MEDIA_URL names no server that speaks S3")
	}
	return b, nil
}

// ask sends a request about an object; the answer's body is whole, or the error says the status.
func (b bucket) ask(ctx context.Context, method, name string, body []byte) ([]byte, error) {
	at := "/" + path.Join(b.prefix, name)
	r, err := http.NewRequestWithContext(ctx, method, b.server, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}

	r.URL.Path, r.URL.RawPath = at, escape(at)
	if method == http.MethodPut {
		r.Header.Set("Content-Type", Type(name))
		r.Header.Set("Cache-Control", immutable)
	}
	who, err := b.rights.get(ctx, b.client)
	if err != nil {
		return nil, err
	}

	sign(r, who, b.region, body, time.Now())
	w, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(io.LimitReader(w.Body, maxBytes))

	switch {
	case w.StatusCode == http.StatusNotFound:
		return nil, ErrNotFound
	case w.StatusCode >= http.StatusBadRequest:
		return nil, fmt.Errorf("the bucket's server answers %s", w.Status)
	}

	return answer, err
}

// Put stores an object.
func (b bucket) Put(ctx context.Context, name string, body []byte) error {
	if !ValidName(name) {
		return fmt.Errorf("keep picture %q: not a name", name)
	}
	if _, err := b.ask(ctx, http.MethodPut, name, body); err != nil {
		return fmt.Errorf("store picture %s: %w", name, err)
	}
	return nil
}

// Get reads an object.
func (b bucket) Get(ctx context.Context, name string) ([]byte, error) {
	if !ValidName(name) {
		return nil, ErrNotFound
	}
	body, err := b.ask(ctx, http.MethodGet, name, nil)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("read picture %s: %w", name, err)
	}
	return body, err
}
