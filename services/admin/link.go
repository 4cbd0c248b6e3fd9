package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// linkLife is how long a one-time link is good.
const linkLife = 24 * time.Hour

// firstName is the person that make run makes.
const firstName = "owner"

// FirstLink makes the first person, an owner, where there is no one who could sign in, and a link that
// signs them in once. It is "" once somebody can.
func FirstLink(ctx context.Context, databaseURL, adminURL string) (string, error) {
	pool, err := pg.Open(ctx, databaseURL, "admin")
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
		return insertLink(ctx, tx, hash, id, linkLife)
	})
	if err != nil || !made {
		return "", err
	}
	return adminURL + "/sign-in/link/" + token, nil
}

// signPage is what the pages before signing in show.
type signPage struct {
	To    string `json:"-"`
	Token string `json:"-"`
}

func (s *server) signIn(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	return adminui.Page{Title: "Sign in", Template: "sign-in.html", Data: signPage{To: safePath(q.Get("to"))}, Bare: true}, nil
}

// openLink shows a button: programs that look at links in mails and chats must not use them up.
func (s *server) openLink(r *http.Request) (adminui.Answer, error) {
	return adminui.Page{Title: "Sign in", Template: "link.html", Data: signPage{Token: adminui.Param(r, "token")}, Bare: true}, nil
}

// useLink signs a person in, once.
func (s *server) useLink(r *http.Request) (adminui.Answer, error) {
	return adminui.Raw(func(w http.ResponseWriter, r *http.Request) error {
		used := false
		err := pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error {
			person, ok, err := takeLink(r.Context(), tx, hashOf(adminui.Param(r, "token")))
			if used = ok; err != nil || !ok {
				return err
			}
			return s.begin(w, r, tx, person, true)
		})
		if err != nil {
			return err
		}
		if !used {
			return s.kit.Show(w, r, adminui.Page{Title: "This link has ended", Template: "link-ended.html", Bare: true,
				Status: http.StatusGone})
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}), nil
}
