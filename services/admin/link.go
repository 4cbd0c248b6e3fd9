package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// linkTTL is how long a one-time link is valid.
const linkTTL = 24 * time.Hour

// firstName is the name of the person that make run creates.
const firstName = "owner"

// FirstLink makes the first person, an owner, if no one can sign in, and a link that signs them in
// once. It returns "" once an account can.
func FirstLink(ctx context.Context, databaseURL, shop, adminURL string) (string, error) {
	pool, err := pg.Open(ctx, databaseURL, shop, "admin")
	if err != nil {
		return "", err
	}
	defer pool.Close()
	token, hash := newToken()
	made := false
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		id, ok, err := firstPerson(ctx, tx, firstName)
		if made = ok; err != nil || !ok {
			return err
		}
		return insertLink(ctx, tx, hash, id, linkTTL)
	})
	if err != nil || !made {
		return "", err
	}
	return linkAddress(adminURL, token), nil
}

func linkAddress(adminURL, token string) string { return adminURL + "/sign-in/link/" + token }

// openLink shows a button: programs that follow links in mails and chats must not use them up.
func (s *server) openLink(r *http.Request) (adminui.Answer, error) {
	return adminui.Page{Title: "Sign in", Template: "link.html", Bare: true,
		Data: signPage{Token: adminui.Param(r, "token")}}, nil
}

// acceptLink accepts a link as the first factor, once.
func (s *server) acceptLink(r *http.Request) (adminui.Answer, error) {
	hash := hashOf(adminui.Param(r, "token"))
	person, ok, err := ownerOfLink(r.Context(), s.pool, hash)
	if err != nil {
		return nil, err
	}
	a := account{}
	if ok {
		if a, ok, err = findAccount(r.Context(), s.pool, person); err != nil {
			return nil, err
		}
	}
	return s.afterFirst(a, "link", "/account", func(ctx context.Context, tx pgx.Tx) (bool, error) {
		if !ok {
			return false, nil
		}
		return useLink(ctx, tx, hash)
	}), nil
}

// newLink makes a link for a person, replacing earlier ones.
func (s *server) newLink(ctx context.Context, tx pgx.Tx, person int64) (string, error) {
	token, hash := newToken()
	err := errors.Join(deleteLinks(ctx, tx, person), insertLink(ctx, tx, hash, person, linkTTL))
	return linkAddress(s.addresses.own.String(), token), err
}
