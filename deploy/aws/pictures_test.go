package aws

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// A bucket is empty only when old versions and delete markers are gone as well.
func TestABucketIsEmptied(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(server.Close)
	client, err := minio.New(strings.TrimPrefix(server.URL, "http://"), &minio.Options{Region: "eu-north-1",
		Creds: credentials.NewStaticV4("key", "secret", "")})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := emptyBucket(t.Context(), client, "pictures"); n != 0 || err != nil {
		t.Errorf("a bucket that is not there: %d, %v", n, err)
	}
	if err := client.MakeBucket(t.Context(), "pictures", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}

	if err := client.EnableVersioning(t.Context(), "pictures"); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		name := fmt.Sprintf("a/%d.jpg", i%3)
		if _, err := client.PutObject(t.Context(), "pictures", name, strings.NewReader("a"), 1, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	if err := client.RemoveObject(t.Context(), "pictures", "a/0.jpg", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if n, err := emptyBucket(t.Context(), client, "pictures"); n != 7 || err != nil {
		t.Errorf("%d versions deleted, %v; want 6 and a mark", n, err)
	}
	if n, err := emptyBucket(t.Context(), client, "pictures"); n != 0 || err != nil {
		t.Errorf("%d versions were left, %v", n, err)
	}
}
