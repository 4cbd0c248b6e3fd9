// Command base writes the one layer that all images of the shop stand on, as a tar file that is the same
// on every machine: certificate authorities, the user 65532, and folders that belong to it.
//
// Certificate authorities are those of Mozilla's program, of the version in go.mod. Those that Mozilla
// trusts up to a day only are left out: a file cannot say so.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is the account that images run as, with the number that distroless images gave it.
const user = 65532

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "base:", err)
		os.Exit(1)
	}
}

func write(out io.Writer) error {
	var authorities bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&authorities, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return fmt.Errorf("write the certificate authorities: %w", err)
		}
	}
	tw := tar.NewWriter(out)
	for _, e := range []struct {
		name  string
		text  string
		mode  int64
		owner int
	}{
		{name: "data/", mode: 0o755, owner: user}, // a volume that is mounted here belongs to the user
		{name: "etc/", mode: 0o755},
		{name: "etc/group", text: fmt.Sprintf("root:x:0:\nnonroot:x:%d:\n", user), mode: 0o644},
		{name: "etc/passwd", text: fmt.Sprintf("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:%d:%d:nonroot:/data:/sbin/nologin\n", user,
			user), mode: 0o644},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", text: authorities.String(), mode: 0o644},
		{name: "tmp/", mode: 0o1777},
	} {
		h := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.owner, Gid: e.owner, Size: int64(len(e.text)),
			ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if e.name[len(e.name)-1] == '/' {
			h.Typeflag = tar.TypeDir
		}
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("write %s: %w", e.name, err)
		}
		if _, err := io.WriteString(tw, e.text); err != nil {
			return fmt.Errorf("write %s: %w", e.name, err)
		}
	}
	if err := tw.Close(); err != nil {
		return fmt.Errorf("end the layer: %w", err)
	}
	return nil
}
