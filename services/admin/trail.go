package admin

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// trailRounds is how often the owners are asked: the keys in an answer lead to further requests
	// to the others.
	trailRounds = 4
	// paidTimeout and mailTimeout are how long a payment may have no order, and a mail may be
	// unsent, before that is a gap.
	paidTimeout = 2 * time.Minute
	mailTimeout = 10 * time.Minute
)

// trailData is the trail of a key.
type trailData struct {
	Key    string        `json:"key"`
	Hops   []adminui.Hop `json:"hops"` // by time; a gap is a hop with the step "gap"
	Silent []silent      `json:"silent"`
	// Cut says that some keys were not followed: the trail may be incomplete.
	Cut bool `json:"cut,omitempty"`

	Events []adminui.Event `json:"-"`
}

// trail shows the way of an order, a payment, an event, a cart or an address through all services.
func (s *server) trail(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	data := trailData{Key: strings.TrimSpace(q.Get("key")), Hops: []adminui.Hop{}, Silent: []silent{}}
	if len(data.Key) > 300 {
		return nil, web.BadRequest("key")
	}
	if data.Key != "" {
		if err := s.followTrail(r.Context(), &data, adminui.Who(r)); err != nil {
			return nil, err
		}
	}
	for _, h := range data.Hops {
		data.Events = append(data.Events, eventOf(h))
	}
	return adminui.Page{Title: "Trail", Template: "trail.html", Data: data}, nil
}

// followTrail asks all owners at once for what they know of the key, and again with the keys that
// they name, until none is new. It adds the acts of the staff on any of it.
func (s *server) followTrail(ctx context.Context, data *trailData, who adminui.Identity) error {
	known := map[string]bool{data.Key: true}
	asked, waiting := []string{data.Key}, []string(nil)
	found := map[adminui.Hop]bool{}
	for range trailRounds {
		answers, away := askAll[adminui.Trail](ctx, s, askTimeout, adminui.TrailPath,
			url.Values{"key": asked}.Encode(), who)
		for _, service := range away {
			if !slices.Contains(data.Silent, service) {
				data.Silent = append(data.Silent, service)
			}
		}
		for _, t := range answers {
			for _, h := range t.Hops {
				h.At = h.At.UTC() // it becomes a key of a map
				found[h] = true
			}
			for _, key := range t.Keys {
				if key != "" && !known[key] {
					known[key] = true
					waiting = append(waiting, key)
				}
			}
		}
		if len(waiting) == 0 {
			break
		}
		slices.Sort(waiting)
		most := min(len(waiting), adminui.TrailKeys)
		asked, waiting = waiting[:most], slices.Clone(waiting[most:])
	}

	data.Cut = len(waiting) > 0
	data.Hops = slices.AppendSeq(data.Hops, maps.Keys(found))
	acts, err := s.actsOn(ctx, slices.Collect(maps.Keys(known)), data.Hops)
	if err != nil {
		return err
	}
	data.Hops = markGaps(append(toldOnce(data.Hops), acts...), time.Now())

	return nil
}

// toldOnce leaves out an owner's note of a Stripe event if webhook shows the event itself.
func toldOnce(hops []adminui.Hop) []adminui.Hop {
	came := map[string]bool{}
	for _, h := range hops {
		if h.Step == "event" {
			came[h.Message] = true
		}
	}
	return slices.DeleteFunc(hops, func(h adminui.Hop) bool { return h.Step == "stripe" && came[h.About] })
}

// actsOn are the acts of the staff on orders and mails with these keys, and on the entries for
// staff among the hops. Their values stay in the log, which fewer people may see.
func (s *server) actsOn(ctx context.Context, keys []string, hops []adminui.Hop) (acts []adminui.Hop, err error) {
	entries := []string{}
	for _, h := range hops {
		if h.Step == "entry" {
			entries = append(entries, h.About)
		}
	}
	rows, err := auditOf(ctx, s.pool, map[string][]string{"order": keys, "mail": keys, "payment": entries})
	for _, a := range rows {
		acts = append(acts, adminui.Hop{At: a.At.UTC(), Step: "act", Text: a.Text, Who: a.who(), About: a.Key})
	}
	return acts, err
}

// stepOrder is the order of steps with the same time.
var stepOrder = []string{"checkout", "session", "event", "received", "order", "status", "sending", "mail", "mail-sent",
	"gap"}

// markGaps sorts hops by time and adds the missing ones as gaps.
func markGaps(hops []adminui.Hop, now time.Time) []adminui.Hop {
	gap := func(after adminui.Hop, text string) {
		hops = append(hops, adminui.Hop{At: after.At, Step: "gap", Text: text, About: after.About, Tone: "bad",
			To: after.To})
	}
	has := func(step, about string) bool {
		return slices.ContainsFunc(hops, func(h adminui.Hop) bool {
			return h.Step == step && (about == "" || h.About == about)
		})
	}

	for _, h := range slices.Clone(hops) {
		switch {
		case h.Step == "event" && h.State == "paid" && !has("order", "") && !has("entry", "") &&
			now.Sub(h.At) > paidTimeout:
			gap(h, "Paid, but no order after 2 minutes.")
		case h.Step == "mail" && h.State == "queued" && now.Sub(h.At) > mailTimeout:
			gap(h, "A mail was accepted but not sent.")
		case h.Step == "order" && now.Sub(h.At) > mailTimeout && !hasMail(hops):
			gap(h, "An order without a mail.")
		}
	}

	slices.SortStableFunc(hops, func(a, b adminui.Hop) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(slices.Index(stepOrder, a.Step), slices.Index(stepOrder, b.Step)),
			cmp.Compare(a.Text, b.Text))
	})

	return hops
}

func hasMail(hops []adminui.Hop) bool {
	return slices.ContainsFunc(hops, func(h adminui.Hop) bool {
		return h.Step == "mail" || h.Step == "sending" && strings.HasPrefix(h.About, "mail.send.")
	})
}

// eventOf is a hop as an entry of a timeline.
func eventOf(h adminui.Hop) adminui.Event {
	e := adminui.Event{At: h.At, Text: h.Text, Who: h.Who, Tone: h.Tone, To: h.To}
	var parts []string
	for _, part := range []string{h.State, h.Message, place(h), attempt(h)} {
		if part != "" && !strings.Contains(h.Text, part) {
			parts = append(parts, part)
		}
	}
	if h.Trace != "" {
		parts = append(parts, "trace "+traceID(h.Trace))
	}
	e.Detail = strings.Join(parts, " · ")
	return e
}

// traceID is the id to search traces for: a traceparent without its version, span and flags.
func traceID(trace string) string {
	if parts := strings.Split(trace, "-"); len(parts) == 4 {
		return parts[1]
	}
	return trace
}

func place(h adminui.Hop) string {
	if h.Stream == "" || h.Sequence == 0 {
		return h.Stream
	}
	return h.Stream + " " + web.ID(h.Sequence)
}

func attempt(h adminui.Hop) string {
	if h.Attempt <= 1 {
		return ""
	}
	return "attempt " + web.ID(int64(h.Attempt))
}
