package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// tokenPrefix marks a token, so that programs that look for leaked secrets recognize it.
const tokenPrefix = "shopadmin_"

// maxTokenDays is how many days a token is valid at most.
const maxTokenDays = 366

// tokenRow is a token in a person's list.
type tokenRow struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"used_at"`
}

// identifyToken finds the person of an API token. The token may do what both its scopes and the
// person's current roles allow.
func (s *server) identifyToken(r *http.Request) (adminui.Identity, *session, error) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "+tokenPrefix)
	if !ok {
		return adminui.Identity{}, nil, nil
	}
	found, ok, err := useToken(r.Context(), s.pool, hashOf(secret))
	if err != nil || !ok {
		return adminui.Identity{}, nil, err
	}
	id := adminui.Identity{Person: found.PersonID, Name: found.Name, Token: true, From: s.clientOf(r)}
	for _, role := range found.Roles {
		id.Roles = append(id.Roles, adminui.Role(role))
	}
	for _, scope := range found.Scopes {
		id.Scopes = append(id.Scopes, adminui.Action(scope))
	}
	return id, &session{PersonID: found.PersonID, Stage: stageFull}, nil
}

// tokenForm asks what a token is for. It offers the rights of the person that a token can have.
func tokenForm(who adminui.Identity) adminui.Form {
	scopes := adminui.Field{Name: "scope", Label: "What it may do", Kind: "checks",
		Hint: "Tokens cannot do what asks for a fresh second factor: refunds, canceling, prices, codes, exports, " +
			"erasing, large campaigns, people and tokens."}
	for _, a := range adminui.Actions() {
		if who.May(a) && !adminui.NeedsFresh(a) {
			scopes.Options = append(scopes.Options, adminui.Option{Value: string(a), Text: string(a)})
		}
	}
	return adminui.Form{ID: "token", Action: "/account/tokens", Submit: "Make token", Fields: []adminui.Field{
		{Name: "name", Label: "Name", Kind: "text", Required: true, MaxLength: 60, Hint: "Where it is used."},
		{Name: "days", Label: "Days until it ends", Kind: "number", Value: "90", Required: true, MaxLength: 3},
		scopes,
	}}
}

// createToken makes an API token, and shows it once.
func (s *server) createToken(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	who := adminui.Who(r)
	name := strings.TrimSpace(pg.StorableText(form.Get("name"), 60))
	days, derr := strconv.Atoi(form.Get("days"))

	var scopes []string
	for _, o := range tokenForm(who).Fields[2].Options {
		if slices.Contains(form.Values.Values["scope"], o.Value) {
			scopes = append(scopes, o.Value)
		}
	}

	wrong := adminui.FieldErrors{}
	if name == "" {
		wrong["name"] = "Give it a name."
	}
	if derr != nil || days < 1 || days > maxTokenDays {
		wrong["days"] = "From 1 to 366."
	}

	for _, scope := range form.Values.Values["scope"] {
		if !slices.Contains(scopes, scope) {
			wrong["scope"] = "A token cannot have this: " + scope + "."
		}
	}

	if len(scopes) == 0 && wrong["scope"] == "" {
		wrong["scope"] = "Choose at least one."
	}
	if len(wrong) > 0 {
		return adminui.Page{Title: "New token", Template: "form.html",
			Data:   formPage{tokenForm(who).WithInput(form).WithErrors(wrong)},
			Narrow: true, Status: http.StatusUnprocessableEntity}, nil
	}

	secret, hash := newToken()
	_, err = s.changeOwn(r, "Made the API token "+name, "", func(ctx context.Context, tx pgx.Tx) error {
		return insertToken(ctx, tx, who.Person, name, hash, scopes, time.Duration(days)*24*time.Hour)
	})
	if err != nil {
		return nil, err
	}

	return s.accountPage(r, adminui.Form{}, false, tokenPrefix+secret, http.StatusOK)
}

// formPage is a page with one form.
type formPage struct {
	Form adminui.Form `json:"-"`
}

func (s *server) revokeToken(r *http.Request) (adminui.Answer, error) {
	token, err := adminui.ParamID(r, "id")
	if err != nil {
		return nil, err
	}
	return s.changeOwn(r, "Revoked an API token", "Token revoked.", func(ctx context.Context, tx pgx.Tx) error {
		return deleteToken(ctx, tx, adminui.Who(r).Person, token)
	})
}
