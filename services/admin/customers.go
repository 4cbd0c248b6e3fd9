package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// exportTimeout bounds how long a service may search for a person.
const exportTimeout = 22 * time.Second

// exportCustomer exports all that every service has of a person as one file, like the command
// export. It fails if a service is unavailable, since an export must be whole. The services are
// called at once: each may have to search whole tables.
func (s *server) exportCustomer(r *http.Request) (adminui.Answer, error) {
	customer, who := adminui.Param(r, "customer"), adminui.Who(r)
	if !plainPath("/" + customer) {
		return nil, web.NotFound()
	}

	var known erasure.Person
	switch err := s.ask(r.Context(), "user", "/customers/"+customer+"/known", "", who, &known); {
	case isNotFound(err):
		return nil, web.NotFound()
	case err != nil:
		return nil, web.Unavailable(err)
	}

	parts, away := askAll[json.RawMessage](r.Context(), s, exportTimeout, adminui.ExportPath, queryOf(known), who)
	if len(away) > 0 {
		return nil, web.Unavailable(fmt.Errorf("export %s: no answer of %v", customer, away))
	}
	own, err := ExportValues(r.Context(), s.pool, known)
	if err != nil {
		return nil, err
	}

	parts["admin"] = own
	err = pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error {
		return s.record(r, tx, adminui.Act{Action: adminui.CustomersExport, Kind: "customer", Key: customer,
			Text: "Exported " + customer})
	})
	if err != nil {
		return nil, err
	}

	return adminui.Raw(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.json"`, customer))
		return web.JSON(w, http.StatusOK, parts)
	}), nil
}

// isNotFound reports whether an owner has answered 404.
func isNotFound(err error) bool {
	e, ok := errors.AsType[*web.Error](err)
	return ok && e.Status == http.StatusNotFound
}

// queryOf encodes a person as the parameters of a service's export.
func queryOf(p erasure.Person) string {
	q := url.Values{"email": p.Emails, "code": p.Codes}
	for _, id := range p.MemberIDs {
		q.Add("member", web.ID(id))
	}
	for _, id := range p.ProspectIDs {
		q.Add("prospect", web.ID(id))
	}
	return q.Encode()
}
