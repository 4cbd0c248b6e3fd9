package user

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// termsOfUseAgreeCheck reports whether the member has agreed to the newest terms.
func (s *server) termsOfUseAgreeCheck(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "terms_of_use_agree_check"
	who := web.Who(r)
	if !who.Member() {
		return answerOutcome(w, endpoint, notAuthenticated)
	}
	terms, agreed, found, err := termsOfMember(r.Context(), s.pool, who.MemberID)
	switch {
	case err != nil:
		return err
	case !found: // erased since the session began
		return answerOutcome(w, endpoint, notAuthenticated)
	case agreed:
		return answerOutcome(w, endpoint, true)
	}
	return answer(w, struct {
		Agreed  bool   `json:"terms_of_use_agree_check"`
		Version int    `json:"version"`
		Note    string `json:"version_note"`
		versioned
	}{Version: terms.Version, Note: terms.Note})
}

// termsOfUseAgree notes an agreement to the newest terms, once.
func (s *server) termsOfUseAgree(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "terms_of_use_agree"
	who := web.Who(r)
	if !who.Member() {
		return answerOutcome(w, endpoint, notAuthenticated)
	}

	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	version, sent := form.Lookup("version")
	if !sent {
		return refuse(w, endpoint, "error", errorCode{"version-required"})
	}
	echo := web.Field{Key: "version", Value: version}
	number, ok := web.Number(version, maxTerms)
	if !ok {
		return refuse(w, endpoint, "error", errorCode{"version-not-found"}, echo)
	}

	outcome, err := s.agree(r, who.MemberID, int(number))
	switch {
	case err != nil:
		return err
	case outcome == notAuthenticated:
		return answerOutcome(w, endpoint, notAuthenticated)
	case outcome != "":
		return refuse(w, endpoint, "error", errorCode{outcome}, echo)
	}

	return answer(w, struct {
		Outcome string `json:"terms_of_use_agree"`
		Version string `json:"version"`
		versioned
	}{Outcome: "success", Version: version})
}

// agree returns the contract's code for a refusal, or "".
func (s *server) agree(r *http.Request, member int64, version int) (outcome string, err error) {
	ctx := r.Context()
	err = pg.Tx(ctx, s.pool, func(tx pgx.Tx) error {
		outcome = ""
		newest, err := newestTerms(ctx, tx)
		if err != nil {
			return err
		}
		known, err := termsKnown(ctx, tx, version)
		if err != nil {
			return err
		}
		_, found, err := lockAccount(ctx, tx, member)
		if err != nil {
			return err
		}

		switch {
		case !found:
			outcome = notAuthenticated
		case !known:
			outcome = "version-not-found"
		case version != newest.Version:
			outcome = "version-provided-not-most-recent"
		}
		if outcome != "" {
			return errUnchanged
		}

		fresh, err := agreeToTerms(ctx, tx, member, version)
		if err != nil {
			return err
		}
		if !fresh && web.SentAgain(r) {
			return errUnchanged
		}
		if !fresh {
			outcome = "version-already-agreed"
			return errUnchanged
		}
		return insertConsents(ctx, tx, consent{
			MemberID: member,
			What:     fmt.Sprintf("terms-of-use:%d", version),
			Given:    true,
			Source:   "terms dialog",
		})
	})

	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return outcome, err
}

// PublishTerms puts a version of the terms of use in force; fresh is false if it was published
// before with the same note.
func PublishTerms(ctx context.Context, pool *pgxpool.Pool, version int, note string) (fresh bool, err error) {
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		fresh, err = publishTerms(ctx, tx, terms{version, note})
		return err
	})
	return fresh, err
}

// maxTerms is the highest number of a version.
const maxTerms = 999_999_999
