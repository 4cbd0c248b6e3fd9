package order

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// Readdress is the address that an order goes to instead of the customer's.
type Readdress struct {
	Order
	Address msg.Address
}

// Readdress corrects an order's address as long as nothing of it was sent. Both addresses are kept.
func (d *Desk) Readdress(ctx context.Context, who Actor, w Readdress) error {
	after, err := checkAddress(w.Address)
	if err != nil {
		return err
	}
	return d.act(ctx, who, w.Order, func(tx pgx.Tx, o deskOrder) (*report, error) {
		sent, err := wasSent(ctx, tx, o.ID)
		switch {
		case err != nil:
			return nil, err
		case sent:
			return nil, refuseAct("", "Part of order %s has been sent: its address is final.", o.Identifier)
		case o.CanceledAt != nil:
			return nil, refuseAct("", "Order %s was canceled.", o.Identifier)
		}

		var before msg.Address
		if o.ShippingAddress != nil {
			before = *o.ShippingAddress
		}
		if before == after {
			return nil, nil
		}
		if err := updateAddress(ctx, tx, o, before, after, who); err != nil {
			return nil, err
		}

		return readdressed(ctx, tx, o, before, after)
	})
}

// loggedAddress is an address in the log of acts. An erasure finds it by its owner, not by its
// text.
type loggedAddress struct {
	Customer string      `json:"customer,omitempty"` // e-mail
	Code     string      `json:"code,omitempty"`     // of the member or prospect
	Address  msg.Address `json:"address"`
}

// readdressed reports a correction with both addresses, or with neither if the customer was erased.
func readdressed(ctx context.Context, tx pgx.Tx, o deskOrder, before, after msg.Address) (*report, error) {
	done := &report{action: adminui.OrdersEdit,
		text: "Corrected the shipping address: " + strings.Join(changedParts(before, after), ", ")}
	orders, err := ordersToMail(ctx, tx, []int64{o.ID})
	if err != nil || pg.Text(o.Email) == "" {
		return done, err
	}
	whose := loggedAddress{Customer: pg.Text(o.Email), Code: pg.Text(orders[o.ID].MemberCode)}
	if whose.Code == "" {
		whose.Code = pg.Text(o.ProspectCode)
	}
	done.whose = []string{whose.Customer, whose.Code}
	was, is := whose, whose
	was.Address, is.Address = before, after
	done.before, done.after = was, is
	return done, nil
}

// maxAddressPart is the length of the longest part of an address, in characters.
const maxAddressPart = 200

// addressParts are the parts of an address with their names in forms.
func addressParts(a *msg.Address) map[string]*string {
	return map[string]*string{"name": &a.Name, "address_line1": &a.Line1, "address_line2": &a.Line2, "city": &a.City,
		"state": &a.State, "zip": &a.Zip, "country": &a.Country, "country_code": &a.CountryCode}
}

// checkAddress cleans an address that staff typed, and refuses one to which no parcel can be sent.
func checkAddress(a msg.Address) (msg.Address, error) {
	for name, part := range addressParts(&a) {
		*part = trackingNumber(*part) // one line, without invisible characters
		if utf8.RuneCountInString(*part) > maxAddressPart {
			return a, refuseAct(name, "At most %d characters.", maxAddressPart)
		}
	}
	a.CountryCode = strings.ToUpper(a.CountryCode)
	for _, name := range []string{"name", "address_line1", "city", "country_code"} {
		if *addressParts(&a)[name] == "" {
			return a, refuseAct(name, "An address needs this.")
		}
	}
	if !slices.Contains(stripe.ShipTo, a.CountryCode) {
		return a, refuseAct("country_code", "A two-letter country code, such as US or CA.")
	}
	return a, nil
}

// changedParts names the parts in which two addresses differ.
func changedParts(before, after msg.Address) (names []string) {
	was, is := addressParts(&before), addressParts(&after)
	for _, name := range []string{"name", "address_line1", "address_line2", "city", "state", "zip", "country",
		"country_code"} {
		if *was[name] != *is[name] {
			names = append(names, name)
		}
	}
	return names
}
