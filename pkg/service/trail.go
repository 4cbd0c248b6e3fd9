package service

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// trail answers what a service knows about keys: its own part (Parts.Trail), and the messages with
// these keys, or with keys that its own part adds, that it received, parked or still sends.
func (c *Core) trail(name string, parts Parts) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		keys, err := trailKeys(r)
		if err != nil {
			return nil, err
		}
		var own adminui.Trail
		if parts.Trail != nil {
			if own, err = parts.Trail(r.Context(), keys); err != nil {
				return nil, err
			}
		}
		messages, err := Messages(r.Context(), c.Pool, name, parts.Consumers, append(slices.Clone(keys), own.Keys...))
		if err != nil {
			return nil, err
		}
		own.Hops = append(append([]adminui.Hop{}, own.Hops...), messages...)
		own.Keys = append([]string{}, own.Keys...)
		return adminui.Page{Title: "Trail in " + name, Data: own}, nil
	}
}

// trailKeys are the parameters key of a request.
func trailKeys(r *http.Request) ([]string, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, key := range q.Values["key"] {
		if key = strings.TrimSpace(key); key != "" && len(key) <= 300 {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 || len(keys) > adminui.TrailKeys {
		return nil, web.BadRequest("key")
	}
	return keys, nil
}

// Messages are the hops of messages in a service.
func Messages(ctx context.Context, db pg.DB, name string, consumers []bus.Consumer,
	keys []string) ([]adminui.Hop, error) {
	var names []string
	streams := map[string]string{}
	for _, c := range consumers {
		names = append(names, c.Name)
		streams[c.Name] = c.Stream
	}
	m, err := bus.Trail(ctx, db, names, keys)
	if err != nil {
		return nil, err
	}

	var hops []adminui.Hop
	for _, r := range m.Received {
		hops = append(hops, adminui.Hop{
			At:       r.At,
			Step:     "received",
			Text:     fmt.Sprintf("%s received %s", name, r.Key),
			Message:  r.Key,
			About:    r.Consumer,
			Stream:   streams[r.Consumer],
			Sequence: r.Sequence,
			Attempt:  r.Attempt,
			Trace:    r.Trace,
			State:    "committed",
		})
	}

	for _, s := range m.Sent {
		hop := adminui.Hop{
			At:      s.At,
			Step:    "sending",
			Text:    fmt.Sprintf("%s sends %s", name, s.Key),
			Message: s.Key,
			About:   s.Subject,
			Attempt: s.Attempts,
			Trace:   s.Trace,
			State:   "waits for the broker",
			Tone:    "warn",
		}
		if len(s.Pending) > 0 {
			hop.State = "waits for " + strings.Join(s.Pending, ", ")
		}
		hops = append(hops, hop)
	}

	for _, p := range m.Parked {
		hops = append(hops, parkedHop(name, p, streams[p.Consumer]))
	}
	return hops, nil
}

func parkedHop(name string, p bus.Parked, stream string) adminui.Hop {
	hop := adminui.Hop{
		At:      p.At,
		Step:    "parked",
		Text:    fmt.Sprintf("%s could not act on %s: %s", name, p.Key, p.Reason),
		Message: p.Key,
		About:   p.Consumer,
		Stream:  stream,
		Attempt: p.Attempts,
		Trace:   p.Headers[obs.TraceHeader],
		State:   "parked",
		Tone:    "bad",
		To:      fmt.Sprintf("/parked/%s/%d", name, p.ID),
	}
	if p.Resolution != "" {
		hop.State, hop.Tone = p.Resolution+" by "+p.ResolvedBy, "warn"
	}
	return hop
}
