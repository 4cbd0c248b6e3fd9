package order

import (
	"net/http"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Answers are structs that name their fields as the contract does (services/order/openapi.yaml), the
// outcome first. Objects whose keys are numbers or identifiers keep their order as a web.Object.

// versioned ends every answer under /order.
type versioned struct {
	Version version `json:"order-api-version"`
}

type version struct{}

// MarshalJSON writes the version of this API.
func (version) MarshalJSON() ([]byte, error) { return []byte(`"0.0.1"`), nil }

// answer is a success: 200.
func answer(w http.ResponseWriter, v any) error { return web.JSON(w, http.StatusOK, v) }

// refusalErrors is what a refusal says. Old pages read the code (and texts at most); the other fields
// say more to those that know them.
type refusalErrors struct {
	Error           string               `json:"error"`
	Description     string               `json:"description,omitempty"`
	Reason          string               `json:"reason,omitempty"`
	Payment         string               `json:"payment,omitempty"` // of a page that is not paid, or with staff
	OrderIdentifier string               `json:"order_identifier,omitempty"`
	PendingTotal    *money.Cents         `json:"pending_total,omitempty"`
	Old             *web.OrEmpty[quoted] `json:"old,omitempty"`
	New             *quoted              `json:"new,omitempty"`
}

// quoted is what a confirm page showed, or should show.
type quoted struct {
	Total          money.Cents `json:"total"`
	ShippingMethod string      `json:"shipping_method"`
	Quote          string      `json:"quote,omitempty"`
}

// refuse is the contract's refusal: 200, "error" under the endpoint's key, a code, then echoes.
func refuse(w http.ResponseWriter, endpoint, code string, echo ...web.Field) error {
	return refuseWith(w, endpoint, refusalErrors{Error: code}, echo...)
}

// refuseWith is refuse with more than a code.
func refuseWith(w http.ResponseWriter, endpoint string, errs any, echo ...web.Field) error {
	fields := append(web.Object{{Key: endpoint, Value: "error"}, {Key: "errors", Value: errs}}, echo...)
	return answer(w, append(fields, web.Field{Key: "order-api-version", Value: version{}}))
}

// id is the key of an object of an answer.
func id(n int64) string { return strconv.FormatInt(n, 10) }
