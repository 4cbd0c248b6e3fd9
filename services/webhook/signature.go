package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// tolerance is how old a signature may be: an older one may be a replay. One from the future passes,
// as the contract says: a replay changes nothing, since every event is kept once by its id.
const tolerance = 300 * time.Second

var (
	errHeader    = errors.New("the signature header is missing or malformed")
	errTimestamp = errors.New("the signature is too old")
	errSignature = errors.New("no signature fits")
)

// signature is a Stripe-Signature header taken apart.
type signature struct {
	timestamp string // Unix seconds, as signed
	at        time.Time
	macs      [][]byte // several while a secret is rolled
}

// parseSignature reads "t=1700000000,v1=hex,v1=hex". Schemes other than v1 are skipped, as are v1
// values that are no SHA-256; none left is an error.
func parseSignature(header string) (signature, error) {
	var s signature
	for header != "" {
		var pair string
		pair, header, _ = strings.Cut(header, ",")
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return signature{}, errHeader
		}
		switch name {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil || value[0] < '0' || value[0] > '9' {
				return signature{}, errHeader
			}
			s.timestamp, s.at = value, time.Unix(seconds, 0)
		case "v1":
			if mac, err := hex.DecodeString(value); err == nil && len(mac) == sha256.Size {
				s.macs = append(s.macs, mac)
			}
		}
	}
	if s.timestamp == "" || len(s.macs) == 0 {
		return signature{}, errHeader
	}
	return s, nil
}

// verify says whether Stripe signed the body under one of the secrets, not too long ago.
func verify(secrets [][]byte, header string, body []byte, now time.Time) error {
	s, err := parseSignature(header)
	if err != nil {
		return err
	}
	if s.at.Before(now.Add(-tolerance)) {
		return errTimestamp
	}
	for _, secret := range secrets {
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(s.timestamp)) // a hash never fails to write
		m.Write([]byte{'.'})
		m.Write(body)
		want := m.Sum(nil)
		for _, mac := range s.macs {
			if hmac.Equal(mac, want) {
				return nil
			}
		}
	}
	return errSignature
}
