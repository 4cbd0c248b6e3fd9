package admin

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Codes of authenticator apps follow RFC 6238 with what every app supports: six digits of SHA-1 in
// steps of 30 seconds. One step before and one after are accepted, for clocks that differ.
var totpOptions = totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

const totpPeriod = 30

// totpEncoding encodes secrets for people and apps.
var totpEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// totpStep is the time step of a code, if it comes after the last one that was used.
func totpStep(secret, code string, last int64, now time.Time) (step int64, ok bool) {
	code = strings.ReplaceAll(code, " ", "")
	for at := now.Unix()/totpPeriod - 1; at <= now.Unix()/totpPeriod+1; at++ {
		want, err := totp.GenerateCodeCustom(secret, time.Unix(at*totpPeriod, 0), totpOptions)
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && at > last {
			return at, true
		}
	}
	return 0, false
}

// newTOTP makes a secret for an authenticator app.
func newTOTP(issuer, username string) (*otp.Key, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: username})
	if err != nil {
		return nil, fmt.Errorf("make a secret for an authenticator app: %w", err)
	}
	return key, nil
}

// totpKey is the key of an existing secret.
func totpKey(issuer, username, secret string) (*otp.Key, error) {
	raw, err := totpEncoding.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("read a secret: %w", err)
	}
	return totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: username, Secret: raw})
}

// picture is the QR code for a phone's camera, as a data address.
func picture(key *otp.Key) (template.URL, error) {
	img, err := key.Image(320, 320)
	if err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	//nolint:gosec // made here
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(out.Bytes())), nil
}

// seal encrypts a secret for a person (AES-256-GCM with a random nonce).
func (s *server) seal(person int64, secret string) []byte {
	nonce := make([]byte, s.sealer.NonceSize())
	rand.Read(nonce) //nolint:errcheck // never fails (since Go 1.24)
	return s.sealer.Seal(nonce, nonce, []byte(secret), []byte(web.ID(person)))
}

// open decrypts a secret that seal encrypted for this person.
func (s *server) open(person int64, sealed []byte) (string, error) {
	if len(sealed) < s.sealer.NonceSize() {
		return "", errors.New("open a secret: it is too short")
	}
	nonce, text := sealed[:s.sealer.NonceSize()], sealed[s.sealer.NonceSize():]
	secret, err := s.sealer.Open(nil, nonce, text, []byte(web.ID(person)))
	if err != nil {
		return "", fmt.Errorf("open a secret: %w", err)
	}
	return string(secret), nil
}

func newSealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return cipher.NewGCM(block)
}
