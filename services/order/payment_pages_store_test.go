package order

import "testing"

// A payment with an entry for staff cannot be paid a second time for the same cart, and blocks no
// other purchase of the shopper.
func TestAPaymentForStaffStopsNoOtherPurchase(t *testing.T) {
	t.Parallel()
	const address = "refused@mail.example.com"
	e := newEnv(t)
	stripe := e.sweeping()
	e.Exec(trigger("orders", `IF NEW.email LIKE 'refused%' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW`) +
		` EXECUTE FUNCTION stop()`)
	p := e.visitor()
	p.add("6", "1")

	c := p.quoted(address)
	stripe.set(listed(c, as(address)))
	e.mustHandle(event("evt_refused", completed, c, as(address)))
	for _, test := range []struct {
		generation, want int
	}{
		{c.CartGeneration, 1},
		{c.CartGeneration + 1, 0}, // the cart was emptied and filled again
	} {
		list, err := unsettledPages(t.Context(), e.pool, c.CartID, test.generation, *c.Owner)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != test.want {
			t.Errorf("generation %d: %d pages stand beside a new one, want %d", test.generation, len(list), test.want)
		}
	}
}
