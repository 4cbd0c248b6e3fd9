package user

import (
	"net/http"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// customerPanel shows who a customer is, as a part of an order's page.
type customerPanel struct {
	Customer *customerDetails `json:"customer"` // nil if user does not know the person
	Facts    []adminui.Detail `json:"-"`
	To       string           `json:"-"` // path of the customer's page
}

// staffCustomerPanel shows the customer with a member's id or with a prospect's code.
func (s *server) staffCustomerPanel(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}

	member := int64(0)
	if text := q.Get("member"); text != "" {
		if member, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, web.BadRequest("member")
		}
	}

	kind, id, found, err := customerOf(r.Context(), s.pool, member, q.Get("code"))
	if err != nil {
		return nil, err
	}

	var p customerPanel
	if found {
		c, err := findCustomer(r.Context(), s.pool, kind, id)
		if err != nil {
			return nil, err
		}
		p.Customer, p.Facts, p.To = &c, c.panelFacts(), c.path()
	}
	return adminui.Page{Title: "This customer", Template: "customer-panel.html", Data: p, Narrow: true}, nil
}

// panelFacts are the details next to an order, which has name and address itself.
func (c customerDetails) panelFacts() []adminui.Detail {
	facts := []adminui.Detail{{Label: "Known as", Value: adminui.Badge{Text: c.Kind}}, {Label: "Since", Value: c.Since},
		{Label: "Newsletter", Value: newsBadge(c.Newsletter)}}
	if c.Kind == kindMember {
		facts = append(facts, adminui.Detail{Label: "Address proved", Value: yes(c.Proved)},
			adminui.Detail{Label: "Last login", Value: c.LastLogin},
			adminui.Detail{Label: "Terms of use", Value: agreedTo(c.Terms)})
	}
	return facts
}
