package web

import "net/http"

// OutcomeHeader tells edge what an answer means for its limits; edge strips it. The text of an
// answer may change without changing a limit.
const OutcomeHeader = "X-Shop-Outcome"

// Outcome is what an answer did or gave away.
type Outcome string

// The outcomes that limits tell apart. An answer has one, the one that matters most.
const (
	// OutcomeNothing is an answer that no limit counts: nothing was guessed, revealed or made.
	OutcomeNothing Outcome = "nothing"
	// OutcomeWrong is a secret (password, code, identifier) that was tried and is wrong.
	OutcomeWrong Outcome = "wrong"
	// OutcomeReveals is an answer that says of an account or address that it exists.
	OutcomeReveals Outcome = "reveals"
	// OutcomeDone is something that was stored, made or sent.
	OutcomeDone Outcome = "done"
	// OutcomeAsked is an answer for which Stripe was asked.
	OutcomeAsked Outcome = "asked"
)

// TellOutcome puts an outcome on an answer, in place of an earlier one.
func TellOutcome(w http.ResponseWriter, o Outcome) { w.Header().Set(OutcomeHeader, string(o)) }

// Outcomes gives every answer an outcome, OutcomeNothing unless its handler sets another. An older
// owner sets no header, and edge counts its answers.
func Outcomes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		TellOutcome(w, OutcomeNothing)
		next.ServeHTTP(w, r)
	})
}
