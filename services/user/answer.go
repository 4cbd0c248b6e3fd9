package user

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Answers are structs that name their fields as the contract does (services/user/openapi.yaml), the
// outcome first. Those that differ in the endpoint's key alone are answerOutcome's and refuse's.

// versioned ends every answer under /user.
type versioned struct {
	Version web.APIVersion `json:"user-api-version"`
}

// notAuthenticated is the contract's outcome for a visitor who asks for what is a member's.
const notAuthenticated = "user_not_authenticated"

// errorCode is what a refusal says that is about no field.
type errorCode struct {
	Error string `json:"error"`
}

// answer is an answer to a request: 200, also when it is refused.
func answer(w http.ResponseWriter, v any) error { return web.JSON(w, http.StatusOK, v) }

// answerOutcome says under the endpoint's key how it went.
func answerOutcome(w http.ResponseWriter, endpoint string, outcome any) error {
	return answer(w, web.Object{{Key: endpoint, Value: outcome}, {Key: "user-api-version", Value: web.APIVersion{}}})
}

// refuse is the contract's refusal: an outcome under the endpoint's key, what is wrong, then echoes.
func refuse(w http.ResponseWriter, endpoint, outcome string, errs any, echo ...web.Field) error {
	fields := append(web.Object{{Key: endpoint, Value: outcome}, {Key: "errors", Value: errs}}, echo...)
	return answer(w, append(fields, web.Field{Key: "user-api-version", Value: web.APIVersion{}}))
}
