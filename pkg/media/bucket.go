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
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// mostBytes bounds what is read of an object; the largest picture that is written is far below it.
const mostBytes = 16 << 20

// immutable is how long anyone may keep a picture: what is under a name never changes.
const immutable = "public, max-age=31536000, immutable"

// bucket keeps pictures as objects of a bucket.
type bucket struct {
	client       *minio.Client
	name, prefix string
}

func openBucket(u *url.URL) (Store, error) {
	rights := credentials.NewIAM("")
	if u.User != nil {
		secret, _ := u.User.Password()
		rights = credentials.NewStaticV4(u.User.Username(), secret, "")
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:  rights,
		Secure: u.Query().Get("tls") != "off", Region: u.Query().Get("region"),
	})
	if err != nil {
		return nil, errors.New("MEDIA_URL names no server that speaks S3")
	}
	name, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	return bucket{client: client, name: name, prefix: prefix}, nil
}

func (b bucket) key(name string) string { return path.Join(b.prefix, name) }

// Put stores an object.
func (b bucket) Put(ctx context.Context, name string, body []byte) error {
	if !ValidName(name) {
		return fmt.Errorf("keep picture %q: not a name", name)
	}
	_, err := b.client.PutObject(ctx, b.name, b.key(name), bytes.NewReader(body), int64(len(body)),
		minio.PutObjectOptions{ContentType: "image/jpeg", CacheControl: immutable})
	if err != nil {
		return fmt.Errorf("store picture %s: %w", name, err)
	}
	return nil
}

// Get reads an object.
func (b bucket) Get(ctx context.Context, name string) ([]byte, error) {
	if !ValidName(name) {
		return nil, ErrNotFound
	}
	object, err := b.client.GetObject(ctx, b.name, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("read picture %s: %w", name, err)
	}
	defer object.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(object, mostBytes))
	if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read picture %s: %w", name, err)
	}
	return body, nil
}
