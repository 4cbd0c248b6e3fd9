package mailer

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// recipient is a member, or a prospect with a record.
type recipient struct {
	kind             string
	id               int64
	email, firstName string
	code, token      string
}

// onUser maintains the projection of people who may be mailed. Messages may arrive twice and in any
// order. It leaves a group with an erasure to onErased.
func (s *server) onUser(group []*bus.Delivery) (*bus.Effect, error) {
	rows := []recipientRow{}
	for _, d := range group {
		switch d.Subject {
		case msg.UserErased:
			return nil, nil
		case msg.ProspectChanged:
			p, err := bus.Decode[msg.Prospect](d)
			if err != nil {
				return nil, err
			}
			rows = append(rows, recipientRow{
				Key:          d.Key,
				Kind:         "prospect",
				ID:           p.ID,
				Email:        p.Email,
				FirstName:    p.FirstName,
				LastName:     p.LastName,
				Code:         p.Code,
				Token:        p.UnsubscribeToken,
				Unsubscribed: p.Unsubscribed,
				Refused:      p.Refused,
				Version:      p.Version,
			})
		default:
			m, err := bus.Decode[msg.Member](d)
			if err != nil {
				return nil, err
			}
			rows = append(rows, recipientRow{
				Key:          d.Key,
				Kind:         "member",
				ID:           m.ID,
				Email:        m.Email,
				FirstName:    m.FirstName,
				LastName:     m.LastName,
				Code:         m.Code,
				Token:        m.UnsubscribeToken,
				Newsletter:   m.Newsletter,
				Unsubscribed: m.Unsubscribed,
				Version:      m.Version,
			})
		}
	}

	return recipientsEffect(rows), nil
}
