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

func TestContract(t *testing.T) {
	t.Parallel()
	c := NewContract(t, "../../services/order/openapi.yaml")
	for body, bad := range map[string]bool{
		`{"checkout_allowed":true,"order-api-version":"0.0.1"}`:             false,
		`{"checkout_allowed":"true","order-api-version":"0.0.1"}`:           true,
		`{"checkout_allowed":true}`:                                         true,
		`{"checkout_allowed":true,"order-api-version":"0.0.1","more":true}`: true,
	} {
		f := &failures{TB: t}
		c.Check(f, httptest.NewRequest(http.MethodGet, "/order/checkout-allowed", nil), &http.Response{
			StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))})
		if (f.n > 0) != bad {
			t.Errorf("%s: %d complaints", body, f.n)
		}
	}
}

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
		f := &failures{TB: t}
		c.Check(f, httptest.NewRequest(http.MethodGet, "/order/cart-items", nil), &http.Response{
			StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))})
		if (f.n > 0) != bad {
			t.Errorf("%s: %d complaints", body, f.n)
		}
	}
}
