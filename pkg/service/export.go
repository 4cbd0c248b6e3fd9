package service

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// export answers what a service has of a person, who is named by the parameters member, prospect,
// email and code.
func (c *Core) export(read func(context.Context, pg.DB, erasure.Person) (json.RawMessage, error)) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		who, err := readPerson(r)
		if err != nil {
			return nil, err
		}
		var found json.RawMessage
		err = pg.Tx(r.Context(), c.Pool, func(tx pgx.Tx) error {
			// Some tables are searched whole.
			if err := pg.Exec(r.Context(), tx, "allow for a long search",
				`SET LOCAL statement_timeout = '20s'`); err != nil {
				return err
			}
			found, err = read(r.Context(), tx, who)
			return err
		})
		return adminui.Page{Title: "What is kept of a person", Data: found}, err
	}
}

func readPerson(r *http.Request) (who erasure.Person, err error) {
	q, err := web.Query(r)
	if err != nil {
		return who, err
	}
	who.Emails, who.Codes = q.Values["email"], q.Values["code"]
	for name, ids := range map[string]*[]int64{"member": &who.MemberIDs, "prospect": &who.ProspectIDs} {
		for _, text := range q.Values[name] {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return who, web.BadRequest(name)
			}
			*ids = append(*ids, id)
		}
	}
	return who, nil
}
