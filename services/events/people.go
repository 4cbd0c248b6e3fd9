package events

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// onUser keeps the projection of the members and prospects whom link codes stand for. Messages may
// come twice and in any order. A group with an erasure in it is left to onErased.
func (s *server) onUser(group []*bus.Delivery) (*bus.Effect, error) {
	members, prospects := []memberRow{}, []prospectRow{}
	for _, d := range group {
		switch d.Subject {
		case msg.UserErased:
			return nil, nil
		case msg.ProspectChanged:
			p, err := bus.Decode[msg.Prospect](d)
			if err != nil {
				return nil, err
			}
			row := prospectRow{Key: d.Key, ID: p.ID, Version: p.Version, Codes: []string{}}
			for _, code := range append([]string{p.Code}, p.Aliases...) {
				if code = pg.Clip(code, maxCode); code != "" {
					row.Codes = append(row.Codes, code)
				}
			}
			prospects = append(prospects, row)
		default:
			m, err := bus.Decode[msg.Member](d)
			if err != nil {
				return nil, err
			}
			members = append(members, memberRow{d.Key, m.ID, pg.Clip(m.Code, maxCode), m.Version})
		}
	}

	return peopleEffect(members, prospects), nil
}
