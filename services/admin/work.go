package admin

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// workRoutes are the pages about what waits for a person.
func (s *server) workRoutes(r chi.Router) {
	r.Get("/work", s.own(adminui.WorkView, s.work))
	r.Post("/customers/{customer}/export", s.own(adminui.CustomersExport, s.exportCustomer))
	r.Get("/trail", s.own(adminui.OrdersView, s.trail))
}

// silent is a service that did not answer.
type silent struct {
	Service string `json:"service"`
}

// askAll asks every owner at once for a page as JSON, on behalf of a person. It returns the owners
// that did not answer within the limit.
func askAll[T any](ctx context.Context, s *server, limit time.Duration, path, query string,
	who adminui.Identity) (answers map[string]T, away []silent) {
	return askSome[T](ctx, s, slices.Collect(maps.Keys(s.owners)), limit, path, query, who)
}

// askSome is askAll for some of the owners.
func askSome[T any](ctx context.Context, s *server, owners []string, limit time.Duration, path, query string,
	who adminui.Identity) (answers map[string]T, away []silent) {
	answers = map[string]T{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, owner := range owners {
		wg.Go(func() {
			var answer T
			err := s.askWithin(ctx, limit, owner, path, query, who, &answer)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if ctx.Err() == nil { // otherwise the person has left the page
					s.log.WarnContext(ctx, "a service did not answer", "service", owner, "error", err)
				}
				away = append(away, silent{owner})
				return
			}
			answers[owner] = answer
		})
	}
	wg.Wait()
	slices.SortFunc(away, func(a, b silent) int { return cmp.Compare(a.Service, b.Service) })
	return answers, away
}

// workData is all that waits for a person.
type workData struct {
	Kinds  []adminui.WorkKind `json:"kinds"` // faults first, then those with the oldest item
	Silent []silent           `json:"silent"`
	Count  int64              `json:"count"` // of faults
}

// readWork asks every service for what waits there.
func (s *server) readWork(ctx context.Context, who adminui.Identity) workData {
	lists, away := askAll[adminui.WorkList](ctx, s, askTimeout, adminui.WorkPath, "", who)
	data := workData{Kinds: []adminui.WorkKind{}, Silent: append([]silent{}, away...)}
	for _, owner := range slices.Sorted(maps.Keys(lists)) {
		for _, k := range lists[owner].Kinds {
			if k.Count == 0 {
				continue
			}
			data.Kinds = append(data.Kinds, k)
			if !k.Calm {
				data.Count += k.Count
			}
		}
	}
	slices.SortStableFunc(data.Kinds, func(a, b adminui.WorkKind) int {
		if a.Calm != b.Calm {
			return map[bool]int{false: -1, true: 1}[a.Calm]
		}
		return a.Oldest.Compare(b.Oldest)
	})
	return data
}

// work shows what waits for a person in every service, why, since when, and what can be done.
func (s *server) work(r *http.Request) (adminui.Answer, error) {
	data := s.readWork(r.Context(), adminui.Who(r))
	return adminui.Page{Title: "Work list", Template: "work.html", Data: data, Live: adminui.LiveWork}, nil
}
