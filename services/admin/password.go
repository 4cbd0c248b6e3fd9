package admin

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// passwordCost is the cost of one hash: OWASP's minimum for argon2id, as for members
// (services/user).
var passwordCost = &argon2id.Params{Memory: 19456, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

const (
	shortestPassword = 12 // characters
	maxPassword      = 200
)

// hasher makes and checks hashes, two at a time: each takes 19 MiB.
type hasher struct {
	cost   *argon2id.Params
	places chan struct{}
	// dummy is checked for unknown names, which then take as long as others.
	dummy string
}

func newHasher(cost *argon2id.Params) (*hasher, error) {
	if cost == nil {
		cost = passwordCost
	}
	dummy, err := argon2id.CreateHash(random.Code(20), cost)
	return &hasher{cost: cost, places: make(chan struct{}, 2), dummy: dummy}, err
}

// within waits for a slot.
func (h *hasher) within(ctx context.Context, do func() error) error {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
		return do()
	case <-ctx.Done():
		return web.Unavailable(ctx.Err())
	}
}

func (h *hasher) hash(ctx context.Context, password string) (stored string, err error) {
	err = h.within(ctx, func() error {
		stored, err = argon2id.CreateHash(password, h.cost)
		return err
	})
	return stored, err
}

// verify reports whether a password matches the stored form, which is "" for no one.
func (h *hasher) verify(ctx context.Context, password, stored string) (ok bool, err error) {
	if len(password) > 4*maxPassword {
		password = "" // it never matches, and takes as long
	}
	none := stored == ""
	if none {
		stored = h.dummy
	}
	err = h.within(ctx, func() error {
		ok, err = argon2id.ComparePasswordAndHash(password, stored)
		return err
	})
	return ok && !none, err
}

// weak says what is wrong with a chosen password, or "".
func weak(password, username string) string {
	lower := strings.ToLower(password)
	kinds := map[rune]bool{}
	for _, r := range lower {
		kinds[r] = true
	}
	switch n := utf8.RuneCountInString(password); {
	case n < shortestPassword:
		return "Use at least 12 characters; a few words will do."
	case n > maxPassword || !utf8.ValidString(password):
		return "Use at most 200 characters."
	case len(kinds) < 5 || strings.Contains(lower, strings.ToLower(username)) ||
		strings.Contains(lower, "password") || strings.Contains(lower, "startupwebapp"):
		return "That is easy to guess."
	}
	return ""
}
