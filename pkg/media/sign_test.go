package media

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The two examples of AWS's description of signatures (GET Object, PUT Object).
func TestSign(t *testing.T) {
	t.Parallel()
	who := login{key: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		method, path, body, want string
		header                   http.Header
	}{
		{method: http.MethodGet, path: "/test.txt", want: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
			header: http.Header{"Range": {"bytes=0-9"}}},
		{method: http.MethodPut, path: "/test$file.text", body: "Welcome to Amazon S3.",
			want:   "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
			header: http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "https://examplebucket.s3.amazonaws.com", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.URL.RawPath, r.Header = c.path, escape(c.path), c.header
		sign(r, who, "us-east-1", []byte(c.body), at)
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+c.want) {
			t.Errorf("%s: %s", c.method, got)
		}
	}
}
