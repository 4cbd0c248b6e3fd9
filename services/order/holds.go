package order

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Unpaid pages hold counted pieces and limited codes. So that no one can empty the shop by
// clicking, each client address, each person and all pages together may hold at most a share of
// what is left (ADR 13).

var heldPercent = promauto.NewGauge(prometheus.GaugeOpts{
	Name: "shop_held_percent",
	Help: "Largest share of a counted article that unpaid payment pages hold, in percent of what is left.",
})

// holder says for whom a checkout holds, and how much that may be; the zero value has no ceilings.
type holder struct {
	client string // hash of the client's address, "" if it is unknown
	limits holdLimits
}

// holdLimits are the settings of the ceilings.
type holdLimits struct{ client, person, all, floor int }

func (c Config) holdLimits() holdLimits {
	return holdLimits{client: c.HoldClientPercent, person: c.HoldAddressPercent, all: c.HoldAllPercent,
		floor: c.HoldAlways}
}

// hold is how much of one article or code unpaid pages hold, including the new one, and how much is
// left including what they hold.
type hold struct {
	Name                      string
	Left, All, Client, Person int
}

// share is the ceiling that a percentage makes. At least floor pieces are allowed, however few are
// left, so that the last ones stay buyable.
func (h hold) share(percent, floor int) int { return max(h.Left*percent/100, floor) }

// within says which ceiling a hold breaks and how much it allows, or "". Above the ceiling for all
// pages, holders of a few pieces go on: a shopper can buy while others tie up the rest.
func (l holdLimits) within(h hold) (broken string, allowed int) {
	switch {
	case h.Client > h.share(l.client, l.floor):
		return "hold-client", h.share(l.client, l.floor)
	case h.Person > h.share(l.person, l.floor):
		return "hold-address", h.share(l.person, l.floor)
	case h.All > h.share(l.all, l.floor) && max(h.Client, h.Person) > l.floor:
		return "hold-all", l.floor
	}
	return "", 0
}

const (
	textAddressFirst = "Please enter your e-mail address first: we set your items and discount codes aside for you " +
		"while you pay."
	textHoldPieces = "We can set at most %d of “%s” aside for you until they are paid; payment pages that you left " +
		"open count for half an hour. Please take fewer, pay on the page that is open, or write to us."
	textHoldCode = "The discount code %s is set aside on too many payment pages that were left open; they count for " +
		"half an hour. Please pay on the page that is open, take the code out, or try again later."
)

// checkHolds refuses a checkout that has just made its reservations, in the same transaction, if
// its holder would hold too much.
func checkHolds(ctx context.Context, tx pgx.Tx, k checkout, took reserved) error {
	if k.holder.limits == (holdLimits{}) || (!took.pieces && !took.codes) {
		return nil
	}
	if k.person == "" {
		return &notSold{code: codeAddressRequired, text: textAddressFirst}
	}

	if took.pieces {
		list, err := heldPieces(ctx, tx, k)
		if err != nil {
			return err
		}
		for _, h := range list {
			if broken, allowed := k.holder.limits.within(h); broken != "" {
				text := fmt.Sprintf(textHoldPieces, allowed, h.Name)
				return &notSold{code: codeUnexpected, text: text, reason: broken}
			}
		}
	}

	if took.codes {
		list, err := heldCodes(ctx, tx, k)
		if err != nil {
			return err
		}
		for _, h := range list {
			if broken, _ := k.holder.limits.within(h); broken != "" {
				return &notSold{code: codeUnexpected, text: fmt.Sprintf(textHoldCode, h.Name), reason: broken}
			}
		}
	}
	return nil
}

// clientHash is a hash of a client's address by which pages are counted. A whole /64 of IPv6 is one
// client.
func clientHash(key []byte, address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		p, err := a.Prefix(64)
		if err != nil {
			return ""
		}
		a = p.Addr()
	}
	return web.MAC(key, a.String())
}

// measureHolds sets the metric; it is part of each sweep.
func (s *server) measureHolds(ctx context.Context) {
	percent, err := mostHeld(ctx, s.pool)
	if err != nil {
		s.log.WarnContext(ctx, "measuring what is held failed", "error", err)
		return
	}
	heldPercent.Set(percent)
}

// holdKey is the key of clientHash.
func (s *server) holdKey() []byte { return s.cfg.Key("order holds") }
