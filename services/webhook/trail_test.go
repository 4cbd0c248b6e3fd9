package webhook

import (
	"strings"
	"testing"
)

// An event is found by its id and by what it is about, and a refused delivery by the id that it
// claims.
func TestTrailOfAnEvent(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.send(`{"id":"evt_7","type":"checkout.session.completed","data":{"object":{"id":"cs_7","payment_intent":"pi_7","payment_status":"paid"}}}`).OK()
	if a := e.post(`{"id":"evt_8","type":"x"}`, "t=1,v1=00"); a.Status != 400 {
		t.Error(a)
	}

	s := &server{pool: e.pool}
	for _, key := range []string{"evt_7", "cs_7", "pi_7"} {
		trail, err := s.trail(t.Context(), []string{key})
		if err != nil || len(trail.Hops) != 1 || trail.Hops[0].State != "paid" || strings.Join(trail.Keys, " ") != "evt_7 cs_7 pi_7" {
			t.Errorf("%s: %+v, %v", key, trail, err)
		}
	}

	trail, err := s.trail(t.Context(), []string{"evt_8"})
	if err != nil || len(trail.Hops) != 1 || trail.Hops[0].Step != "refused" {
		t.Errorf("%+v, %v", trail, err)
	}
}
