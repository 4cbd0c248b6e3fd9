package events

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// The columns' lengths, in characters. Edge cuts texts to the same lengths; longer ones are cut
// here again rather than refused.
const (
	maxURL   = 2000
	maxText  = 100
	maxAgent = 1000
	maxCode  = 50
	maxTitle = 300
)

// onEvent stores what browsers report, a whole group with one statement.
func (s *server) onEvent(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	list := make([]msg.ClientEvent, 0, len(group))
	for _, d := range group {
		events, err := readEvents(d)
		if err != nil {
			return bus.Permanent(err)
		}
		list = append(list, events...)
	}
	for part := range slices.Chunk(list, insertBatchSize) {
		if err := insertEvents(ctx, tx, part); err != nil {
			return err
		}
	}
	return nil
}

// insertBatchSize is how many events go into one statement: a message may hold a hundred.
const insertBatchSize = 1000

// readEvents reads the one event of a message, or the many that traveled together.
func readEvents(d *bus.Delivery) ([]msg.ClientEvent, error) {
	if d.Subject != msg.EventsTogether {
		e, err := readEvent(d.Key, d.Data)
		return []msg.ClientEvent{e}, err
	}
	raw, err := bus.Decode[[]json.RawMessage](d)
	if err != nil {
		return nil, err
	}
	list := make([]msg.ClientEvent, len(raw))
	for i := range raw {
		if list[i], err = readEvent(d.Key+":"+strconv.Itoa(i), raw[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// readEvent reads an event and cuts its texts to the lengths of the columns.
func readEvent(key string, data []byte) (msg.ClientEvent, error) {
	var e msg.ClientEvent
	if json.Unmarshal(data, &e) != nil {
		return e, errors.New("the event is not readable")
	}
	switch e.Kind {
	case "pageview", "ajaxerror", "buttonclick", "linkevent":
	default:
		return e, errors.New("unknown kind of event")
	}

	if e.URL = pg.Clip(msg.PublicAddress(pg.Clip(e.URL, 2*maxURL)), maxURL); e.URL == "" {
		return e, errors.New("the event has no URL")
	}

	if e.ID == "" {
		e.ID = key
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}

	e.ID, e.At, e.Order = pg.Clip(e.ID, maxText), e.At.UTC(), pg.Clip(e.Order, maxText)
	e.AnonymousID, e.RemoteAddr, e.What, e.UserAgent = pg.Clip(e.AnonymousID, maxText), pg.Clip(e.RemoteAddr, maxText),
		pg.Clip(e.What, maxText), pg.Clip(e.UserAgent, maxAgent)
	e.MemberCode, e.ProspectCode, e.EmailCode, e.AdCode = pg.Clip(e.MemberCode, maxCode),
		pg.Clip(e.ProspectCode, maxCode), pg.Clip(e.EmailCode, maxCode), pg.Clip(e.AdCode, maxCode)
	if e.Referrer = pg.Clip(e.Referrer, maxText); strings.Contains(e.URL, "/checkout/") {
		e.Referrer = "" // the return from the payment page is not an arrival from another site
	}
	if e.PageWidth < 0 || e.PageWidth > 1_000_000 {
		e.PageWidth = 0
	}
	return e, nil
}

// emptySearch is the button_id under which the search page reports that it found nothing.
const emptySearch = "search-empty"

// searched returns the words of a search that found nothing, in lower case so that they count
// together, or "" for other events. msg.PublicAddress has already cut from the address what could
// name a person.
func searched(e msg.ClientEvent) string {
	if e.Kind != "buttonclick" || e.What != emptySearch {
		return ""
	}
	u, err := url.Parse(e.URL)
	if err != nil {
		return ""
	}
	words := strings.ToLower(strings.Join(strings.Fields(u.Query().Get("q")), " "))
	if words == "-" {
		return ""
	}
	return pg.Clip(words, maxText)
}
