// Package certs makes TLS configurations from certificates in files, for connections between the
// parts of the shop. Files are read again for each handshake, so that a renewed certificate needs
// no restart.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Files names PEM files. CA is the authority that must have issued the other side's certificate;
// Cert and Key are one's own.
type Files struct{ CA, Cert, Key string }

// Given reports whether anything is set.
func (f Files) Given() bool { return f != Files{} }

// Client is the configuration of a client: the server must have a certificate of CA (the system's
// authorities when empty) for the name that was asked for; Cert, if set, is sent when the server
// asks for a certificate.
func (f Files) Client() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if f.CA != "" {
		if cfg.RootCAs, err = pool(f.CA); err != nil {
			return nil, err
		}
	}
	if f.Cert == "" && f.Key == "" {
		return cfg, nil
	}
	if _, err := f.pair(); err != nil {
		return nil, err
	}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.pair() }
	return cfg, nil
}

// Server is the configuration of a listener. With a CA it accepts only clients with a certificate
// of it.
func (f Files) Server() (*tls.Config, error) {
	if _, err := f.pair(); err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.pair() },
	}
	if f.CA != "" {
		var err error
		if cfg.ClientCAs, err = pool(f.CA); err != nil {
			return nil, err
		}
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return cfg, nil
}

func (f Files) pair() (*tls.Certificate, error) {
	if f.Cert == "" || f.Key == "" {
		return nil, errors.New("a certificate and its key go together: one of them is not set")
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate %s: %w", f.Cert, err)
	}
	return &pair, nil
}

func pool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the file is a setting
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificates: %w", err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return p, nil
}
