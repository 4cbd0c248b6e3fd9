package bus_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// A message that can be read is acted on; one that cannot, or does not say whom it is about, is
// parked.
func TestDecodeOrPark(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		payload string
		parked  bool
	}{
		{payload: `{"id":7,"email":"a@b.example","later":"field"}`},
		{payload: `{"email":"a@b.example"}`, parked: true},
		{payload: `{"id":"seven"}`, parked: true},
		{payload: `{"id":7`, parked: true},
		{payload: ``, parked: true},
	} {
		d := &bus.Delivery{Subject: msg.UserProfileChanged, Key: "member:7:1", Data: []byte(tt.payload)}
		var got msg.Member
		err := bus.Apply(t.Context(), nil, d, func(_ context.Context, _ pgx.Tx, m msg.Member) error { got = m; return nil })
		if tt.parked != bus.IsPermanent(err) || !tt.parked && (err != nil || got.ID != 7) {
			t.Errorf("%s: %+v, %v", tt.payload, got, err)
		}
		if tt.parked && !strings.Contains(err.Error(), msg.UserProfileChanged+" member:7:1") {
			t.Errorf("the reason does not name the message: %v", err)
		}
	}
}
