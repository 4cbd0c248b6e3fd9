package limits

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Request is the part of a request that rules count by.
type Request struct {
	// Route is a method and a path as in the table.
	Route string
	// Client is the shopper's address.
	Client netip.Addr
	// Member is 0 for a visitor.
	Member int64
	// Cart is the visitor's cart, from a cookie with a valid signature.
	Cart string
	Form url.Values
	// Browser is the id of a browser that has logged in to the account that Form names, or "".
	Browser string
}

// Subject is what has a counter of its own, such as a client address.
type Subject struct {
	// Text is for docs/limits.md.
	Text string
	// of returns the parts of the subject's key, or nil if a rule does not apply to the request.
	of func(Request) []string
	// address says that the key is the client's address alone.
	address bool
}

// The subjects of the table. Input counts as its owner compares it: user names without surrounding
// blanks, addresses regardless of case.
var (
	Client = Subject{Text: "client address", of: client, address: true}
	// StrangeClient leaves out known browsers: others behind their address cannot stop them.
	StrangeClient = Subject{Text: "client address, known browsers left out", address: true,
		of: func(r Request) []string {
			if r.Browser != "" {
				return nil
			}
			return client(r)
		}}
	Visitor = Subject{Text: "client address of a visitor", address: true, of: func(r Request) []string {
		if r.Member != 0 {
			return nil
		}
		return client(r)
	}}
	// NewShopper is a visitor whose first item makes a cart.
	NewShopper = Subject{Text: "client address of a visitor without a cart", address: true,
		of: func(r Request) []string {
			if r.Member != 0 || r.Cart != "" {
				return nil
			}
			return client(r)
		}}
	Member = Subject{Text: "member", of: func(r Request) []string {
		if r.Member == 0 {
			return nil // the owner refuses visitors
		}
		return []string{web.ID(r.Member)}
	}}
	Shopper = Subject{Text: "member, or cart, or else client address", of: func(r Request) []string {
		switch {
		case r.Member != 0:
			return []string{"member", web.ID(r.Member)}
		case r.Cart != "":
			return []string{"cart", r.Cart}
		}
		return client(r)
	}}
	Account = Subject{Text: "account, known browsers left out", of: func(r Request) []string {
		if name := AccountName(r.Form); name != "" && r.Browser == "" {
			return []string{name}
		}
		return nil
	}}
	AccountAndClient = Subject{Text: "account and client address, known browsers left out",
		of: func(r Request) []string {
			if name := AccountName(r.Form); name != "" && r.Browser == "" {
				return both(name, r)
			}
			return nil
		}}
	KnownBrowser = Subject{Text: "account and a browser that has logged in to it before", of: func(r Request) []string {
		if name := AccountName(r.Form); name != "" && r.Browser != "" {
			return []string{name, r.Browser}
		}
		return nil
	}}
)

// AddressAndClient counts by an e-mail address in the form together with the client's address.
func AddressAndClient(field string) Subject {
	return Subject{Text: "e-mail address and client address", of: func(r Request) []string {
		if address := strings.ToLower(strings.TrimSpace(r.Form.Get(field))); address != "" {
			return both(address, r)
		}
		return nil
	}}
}

// AccountName is the account that a form names, as user compares it.
func AccountName(form url.Values) string { return strings.TrimSpace(form.Get("username")) }

func client(r Request) []string {
	if !r.Client.IsValid() {
		return nil
	}
	return []string{web.Network(r.Client)}
}

func both(what string, r Request) []string {
	c := client(r)
	if c == nil {
		return nil
	}
	return []string{what, c[0]}
}

// key identifies a counter. It is a keyed hash, so that no name and no address is stored, whatever
// its length, and neither the broker nor a reader of the database can try names against it.
type key [16]byte

func newKey(secret []byte, rule string, parts []string) (k key) {
	m := hmac.New(sha256.New, secret)
	for _, p := range append([]string{rule}, parts...) {
		fmt.Fprintf(m, "%d:%s", len(p), p) //nolint:errcheck // writing to a hash cannot fail
	}
	copy(k[:], m.Sum(nil))
	return k
}

// String implements fmt.Stringer.
func (k key) String() string { return hex.EncodeToString(k[:]) }
