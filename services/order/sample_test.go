package order

import (
	"io/fs"
	"strings"
	"testing"
)

// The old frontend puts discount_amount into a description with {}, ours without ".00".
func TestTheSampleCodeReadsRightInEveryFrontend(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	code := p.Get("/order/cart-discount-codes").At("discount_code_data").(map[string]any)["1"].(map[string]any)
	for _, amount := range []string{code["discount_amount"].(string), strings.TrimSuffix(code["discount_amount"].(string), ".00")} {
		if text := strings.Replace(code["description"].(string), "{}", amount, 1); text != "10% off your order, to say hello" {
			t.Errorf("the sample code reads %q", text)
		}
	}

	sql, err := fs.ReadFile(migrations, "migrations/00031_sample_code.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		description string
		amount      int
		want        string
	}{
		{"{}% off your order, to say hello", 1000, "10% off your order, to say hello"},
		{"{}% off your order, to say hello", 1500, "{}% off your order, to say hello"},
		{"{}% off for friends", 1000, "{}% off for friends"},
	} {
		e.Exec(`UPDATE discount_code SET description = $1, amount = $2 WHERE id = 1`, c.description, c.amount)
		e.Exec(string(sql))
		if got := e.Text(`SELECT description FROM discount_code WHERE id = 1`); got != c.want {
			t.Errorf("%q of %d becomes %q, want %q", c.description, c.amount, got, c.want)
		}
	}
}
