package media

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

const some = "0123456789abcdef0123456789abcdef-800.jpg"

// Pictures come back as they were kept, from a folder and from a server that speaks S3.
func TestStoresReturnWhatWasPut(t *testing.T) {
	t.Parallel()
	back := s3mem.New()
	if err := back.CreateBucket("shop"); err != nil {
		t.Fatal(err)
	}

	server := httptest.NewServer(gofakes3.New(back).Server())
	t.Cleanup(server.Close)
	for _, address := range []string{t.TempDir(), t.TempDir() + "/not/there",
		"s3://key:secret@" + strings.TrimPrefix(server.URL, "http://") + "/shop/pictures?tls=off&region=eu-north-1"} {
		s, err := Open(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), some); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", address, err)
		}

		for range 2 {
			if err := s.Put(t.Context(), some, []byte("a picture")); err != nil {
				t.Fatal(err)
			}
		}

		if body, err := s.Get(t.Context(), some); err != nil || string(body) != "a picture" {
			t.Errorf("%s: %q, %v", address, body, err)
		}
		for _, bad := range []string{"", "../../etc/passwd", "a.jpg", "/" + some, some + "/x", strings.ToUpper(some), "..",
			some[:38] + "x"} {
			if err := s.Put(t.Context(), bad, nil); err == nil {
				t.Errorf("%q is kept", bad)
			}
			if _, err := s.Get(t.Context(), bad); !errors.Is(err, ErrNotFound) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
}

// A task at AWS has no key of its own: it gets one that expires soon, from an address that AWS
// sets.
func TestCredentialsOfATask(t *testing.T) {
	back := s3mem.New()
	if err := back.CreateBucket("shop"); err != nil {
		t.Fatal(err)
	}
	asked := false
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = asked || strings.Contains(r.Header.Get("Authorization"), "ASIATASK") && r.Header.Get("X-Amz-Security-Token") == "token"
		gofakes3.New(back).Server().ServeHTTP(w, r)
	}))
	t.Cleanup(store.Close)
	rights := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"AccessKeyId":"ASIATASK","SecretAccessKey":"secret","Token":"token","Expiration":%q}`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(rights.Close)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", rights.URL)
	s, err := Open("s3://" + strings.TrimPrefix(store.URL, "http://") + "/shop?tls=off&region=eu-north-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), some, []byte("a picture")); err != nil || !asked {
		t.Errorf("%v; asked with the task's rights: %t", err, asked)
	}
}

// Addresses that are neither a folder nor a bucket are refused without quoting the secret.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"https://bucket.example", "s3://host", "s3:///bucket", "s3://k:topsecret@host", "s3://k:topsecret@%zz/b"} {
		if _, err := Open(bad); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	// A folder that cannot be written to is an error, and leaves no half of a picture.
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(file); err != nil || s.Put(t.Context(), some, []byte("x")) == nil {
		t.Error("a file is a folder")
	}
}

func TestSrcset(t *testing.T) {
	t.Parallel()
	const hash = "0123456789abcdef0123456789abcdef"
	for address, want := range map[string]string{
		Path + Name(hash, 1600): "/media/" + hash + "-400.webp 400w, /media/" + hash + "-800.webp 800w, /media/" + hash +
			"-1200.webp 1200w, /media/" + hash + "-1600.webp 1600w",
		Path + Name(hash, 900): "/media/" + hash + "-400.webp 400w, /media/" + hash + "-800.webp 800w, /media/" + hash +
			"-900.webp 900w",
		Path + Name(hash, 300):       "/media/" + hash + "-300.webp 300w",
		Path + WebP(Name(hash, 300)): "",
		"/img/product/a.jpg":         "", "/media/x.jpg": "", "": "",
	} {
		if got := Srcset(address); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}
