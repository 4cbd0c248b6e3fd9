package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/certs"
)

// Certificates makes an authority and one certificate of it for this machine, as server and client.
func Certificates(tb testing.TB) certs.Files {
	tb.Helper()
	dir := tb.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			tb.Fatal(err)
		}
		return path
	}

	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		return k
	}

	sign := func(what, by *x509.Certificate, whose, with *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, what, by, &whose.PublicKey, with)
		if err != nil {
			tb.Fatal(err)
		}
		return der
	}

	from, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	ca := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "authority of a test"},
		NotBefore:             from,
		NotAfter:              until,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	own := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    from,
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}

	caKey, ownKey := key(), key()
	der, err := x509.MarshalECPrivateKey(ownKey)
	if err != nil {
		tb.Fatal(err)
	}
	return certs.Files{
		CA:   write("ca.pem", "CERTIFICATE", sign(ca, ca, caKey, caKey)),
		Cert: write("cert.pem", "CERTIFICATE", sign(own, ca, ownKey, caKey)),
		Key:  write("key.pem", "EC PRIVATE KEY", der),
	}
}
