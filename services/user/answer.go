package user

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Answers are structs whose fields are named as in the contract (services/user/openapi.yaml), the
// outcome first. answerOutcome and refuse make those that differ only in the endpoint's key.

// versioned ends every answer under /user.
type versioned struct {
	Version web.APIVersion `json:"user-api-version"`
}

// notAuthenticated is the contract's outcome for a visitor who asks for something of a member's.
const notAuthenticated = "user_not_authenticated"

// errorCode is the error of a refusal that is not about a field.
type errorCode struct {
	Error string `json:"error"`
}

// answer sends an answer with status 200, which refusals have, too.
func answer(w http.ResponseWriter, v any) error { return web.JSON(w, http.StatusOK, v) }

// answerOutcome sends an outcome under the endpoint's key.
func answerOutcome(w http.ResponseWriter, endpoint string, outcome any) error {
	return answer(w, web.Object{{Key: endpoint, Value: outcome}, {Key: "user-api-version", Value: web.APIVersion{}}})
}

// refuse sends the contract's refusal: an outcome under the endpoint's key, what is wrong, then the
// fields that it echoes.
func refuse(w http.ResponseWriter, endpoint, outcome string, errs any, echo ...web.Field) error {
	fields := append(web.Object{{Key: endpoint, Value: outcome}, {Key: "errors", Value: errs}}, echo...)
	return answer(w, append(fields, web.Field{Key: "user-api-version", Value: web.APIVersion{}}))
}

// changeSession tells edge what to do with sessions before the shopper sees the answer.
func changeSession(w http.ResponseWriter, c web.SessionChange) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("marshal a session change: %w", err)
	}
	w.Header().Set(web.SessionHeader, string(raw))
	return nil
}

// outcomeBody is the answer that edge gives in place of the handler's when a session change fails.
func outcomeBody(endpoint, outcome string) json.RawMessage {
	return fmt.Appendf(nil, `{"%s":"%s","user-api-version":"%s"}`, endpoint, outcome, web.APIVersion{})
}
