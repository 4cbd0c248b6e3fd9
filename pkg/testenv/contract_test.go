package testenv

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// failures counts what Check complains about.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Errorf(string, ...any) { f.n++ }

// An answer with a wrong type, a missing field or an additional one is found.
func TestContract(t *testing.T) {
	t.Parallel()
	c := NewContract(t, "../../services/order/openapi.yaml")
	for body, bad := range map[string]bool{
		`{"checkout_allowed":true,"order-api-version":"0.0.1"}`:             false,
		`{"checkout_allowed":"true","order-api-version":"0.0.1"}`:           true,
		`{"checkout_allowed":true}`:                                         true,
		`{"checkout_allowed":true,"order-api-version":"0.0.1","more":true}`: true,
	} {
		a := answer{method: "GET", path: "/order/checkout-allowed", status: 200, kind: "application/json", body: body}
		if n := a.complaints(t, c); (n > 0) != bad {
			t.Errorf("%s: %d complaints", body, n)
		}
	}
}

// An answer that was found right is not validated again; that must not cover any other answer.
func TestContractTellsAnswersApart(t *testing.T) {
	t.Parallel()
	c := NewContract(t, "../../services/order/openapi.yaml")
	right := answer{method: "GET", path: "/order/checkout-allowed", status: 200, kind: "application/json",
		body: `{"checkout_allowed":true,"order-api-version":"0.0.1"}`}
	otherPath, otherStatus, otherKind, otherBody := right, right, right, right
	otherPath.path = "/order/cart-items"
	otherStatus.status = 201
	otherKind.kind = "text/plain"
	otherBody.body = `{"checkout_allowed":true,"order-api-version":"0.0.1","more":1}`
	for range 2 {
		if n := right.complaints(t, c); n > 0 {
			t.Errorf("%v: %d complaints", right, n)
		}
		for _, a := range []answer{otherPath, otherStatus, otherKind, otherBody} {
			if a.complaints(t, c) == 0 {
				t.Errorf("%v passes", a)
			}
		}
	}
}

// answer is one that no service gave.
type answer struct {
	method, path string
	status       int
	kind, body   string
}

func (a answer) complaints(t *testing.T, c *Contract) int {
	t.Helper()
	f := &failures{TB: t}
	c.Check(f, httptest.NewRequest(a.method, a.path, nil), &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {a.kind}}, Body: io.NopCloser(strings.NewReader(a.body))})
	return f.n
}

// Schemas that only OpenAPI 3.1 has are checked.
func TestContractSpeaksOpenAPI31(t *testing.T) {
	t.Parallel()
	c := NewContract(t, "../../services/order/openapi.yaml")
	for body, bad := range map[string]bool{
		`{"cart_found":false,"item_data":{},"order-api-version":"0.0.1"}`:   false,
		`{"cart_found":false,"item_data":null,"order-api-version":"0.0.1"}`: true,
		`{"cart_found":"x","item_data":{},"order-api-version":"0.0.1"}`:     true,
		`{"cart_found":true,"item_data":{"product_sku_data":{"0":{"sku_id":1,"sku_type__title":"product","sku_inventory__title":"a",` +
			`"sku_inventory__identifier":"in-stock","color":null,"size":"b","description":"c","price":"3.50","quantity":2,` +
			`"parent_product__title":"a","parent_product__title_url":"b","parent_product__identifier":"c","sku_image_url":"d"}}},` +
			`"order-api-version":"0.0.1"}`: false,
		`{"cart_found":true,"item_data":{"product_sku_data":{"x":{}}},"order-api-version":"0.0.1"}`: true,
	} {
		a := answer{method: "GET", path: "/order/cart-items", status: 200, kind: "application/json", body: body}
		if n := a.complaints(t, c); (n > 0) != bad {
			t.Errorf("%s: %d complaints", body, n)
		}
	}
}
