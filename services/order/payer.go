package order

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/email"
)

// payerNote notes for staff that a code with a limit per customer was counted for one address and
// another person paid: a friend, or the same customer again.
func payerNote(ctx context.Context, tx pgx.Tx, p payment, c *checkout) ([]issue, error) {
	if c.Email == "" || p.CustomerDetails == nil || p.CustomerDetails.Email == "" ||
		email.Person(p.CustomerDetails.Email) == email.Person(c.Email) {
		return nil, nil
	}
	var used []int64
	for _, code := range c.Quote.Codes {
		if code.Applied {
			used = append(used, code.ID)
		}
	}
	if len(used) == 0 {
		return nil, nil
	}
	limited, err := limitedCodes(ctx, tx, used)
	if err != nil || len(limited) == 0 {
		return nil, err
	}
	return []issue{newIssue(p, payerDiffers,
		fmt.Sprintf("This payment is an order, and nothing has to be done for that. The code %s has a limit for each "+
			"customer. It was counted for the address given in the shop, but the payer gave another one at Stripe: "+
			"check whether this customer has used it before.", strings.Join(limited, ", ")))}, nil
}
