package stripestandin

import (
	"fmt"
	"net/http"
)

// apiError is Stripe's error object with its HTTP status.
type apiError struct {
	Status  int    `json:"-"`
	Code    string `json:"code,omitempty"`
	DocURL  string `json:"doc_url,omitempty"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
	LogURL  string `json:"request_log_url,omitempty"`
	Type    string `json:"type"`
}

// Error implements error.
func (e *apiError) Error() string { return e.Message }

// refuse is a 400 for a request that Stripe would refuse, naming the parameter at fault.
func refuse(code, param, format string, args ...any) *apiError {
	e := &apiError{
		Status:  http.StatusBadRequest,
		Type:    "invalid_request_error",
		Code:    code,
		Param:   param,
		Message: fmt.Sprintf(format, args...),
	}
	if code != "" {
		e.DocURL = "https://stripe.com/docs/error-codes/" + dashed(code)
	}
	return e
}

// dashed turns an error code into the form that URLs of Stripe's documentation use.
func dashed(code string) string {
	b := []byte(code)
	for i, c := range b {
		if c == '_' {
			b[i] = '-'
		}
	}
	return string(b)
}

func missing(param string) *apiError {
	return refuse("parameter_missing", param, "Missing required param: %s.", param)
}

func unknownParameter(param string) *apiError {
	return refuse("parameter_unknown", param, "Received unknown parameter: %s", param)
}

func emptyParameter(param string) *apiError {
	return refuse("parameter_invalid_empty", param,
		"You passed an empty string for '%s'. We assume empty values are an attempt to unset a parameter; however "+
			"'%s' cannot be unset. You should remove '%s' from your request or supply a non-empty value.",
		param, param, param)
}

func noSuch(status int, kind, param, id string) *apiError {
	e := refuse("resource_missing", param, "No such %s: '%s'", kind, id)
	e.Status = status
	return e
}

// unsupported refuses a setting that Stripe knows and the stand-in does not imitate: a shop must
// not believe that it had an effect.
func unsupported(param string) *apiError {
	return refuse("standin_unsupported", param, "The Stripe stand-in does not imitate %s.", param)
}

func internalError() *apiError {
	return &apiError{
		Status:  http.StatusInternalServerError,
		Type:    "api_error",
		Message: "An unknown error occurred.",
	}
}

func rateLimited() *apiError {
	e := refuse("rate_limit", "",
		"Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.")
	e.Status = http.StatusTooManyRequests
	return e
}
