package edge

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Lengths, in characters, that an event keeps of what a browser reports.
const (
	maxAddress    = 4000 // of a page, before what must not be recorded is cut from it
	maxEventURL   = 1000
	maxEventAgent = 1000
	maxPageWidth  = 100_000
	maxEventText  = 100
)

// eventKinds are the paths under which browsers report, and what each reports.
var eventKinds = map[string]string{
	"/clientevent/pageview": "pageview", "/clientevent/ajaxerror": "ajaxerror",
	"/clientevent/buttonclick": "buttonclick", "/clientevent/linkevent": "linkevent",
}

// clientEvent is takeEvent for HEAD and whatever else comes by the router.
func (e *server) clientEvent(kind string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		e.takeEvent(w, r, kind)
		return nil
	}
}

// takeEvent takes a browser's report of one kind. The answer never says what became of it, and
// waits for nothing.
func (e *server) takeEvent(w http.ResponseWriter, r *http.Request, kind string) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		e.log.Debug("malformed query of a client event", "kind", kind) // what could be read of it counts
	}
	if client := e.clientAddr(r); e.limits.Event(client) {
		if event, ok := e.newEvent(kind, q, r, client); ok {
			e.publish(event)
		}
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Content-Length"] = headerJSON, headerNoStore, headerThankYou
	if _, err := w.Write(thankYou); err != nil {
		e.log.Debug("answering a client event", "error", err) // the browser has left
	}
}

// newEvent keeps of a report what makes sense. Without a page address there is no event.
func (e *server) newEvent(kind string, q url.Values, r *http.Request, client netip.Addr) (msg.ClientEvent, bool) {
	address := pg.Clip(q.Get("url"), maxAddress)
	page := pg.Clip(msg.PublicAddress(address), maxEventURL)
	if page == "" {
		return msg.ClientEvent{}, false
	}
	who := e.readAnonymous(q.Get("anonymous_id"))
	ev := msg.ClientEvent{
		ID: rand.Text(), Kind: kind, At: time.Now().UTC().Truncate(time.Microsecond), URL: page,
		AnonymousID: pg.Clip(who.id, maxEventText),
	}
	if kind != "linkevent" {
		member, _ := web.Number(q.Get("client_event_id"), math.MaxInt64)
		ev.UserID = e.lookedAtBy(r, client, member, who)
	}
	switch kind {
	case "pageview":
		// The storefront's own pages keep identifiers out of the address, and say beside it what they show.
		ev.Order = cmp.Or(msg.OrderInAddress(address), msg.OrderInAddress("identifier="+q.Get("order")))
		width, _ := web.Number(q.Get("pageWidth"), maxPageWidth)
		ev.PageWidth = int(width)
		ev.Referrer = referrerHost(q.Get("referrer"))
		ev.UserAgent, ev.RemoteAddr = pg.Clip(r.UserAgent(), maxEventAgent), client.String()
	case "ajaxerror":
		ev.What = pg.Clip(q.Get("error_id"), maxEventText)
	case "buttonclick":
		ev.What = pg.Clip(q.Get("button_id"), maxEventText)
	case "linkevent":
		ev.MemberCode, ev.ProspectCode = linkCode(q.Get("mb_cd")), linkCode(q.Get("pr_cd"))
		ev.EmailCode, ev.AdCode = linkCode(q.Get("em_cd")), linkCode(q.Get("ad_cd"))
	}
	return ev, true
}

// hostName matches the name of a host, with or without a port.
var hostName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,80}(:[0-9]{1,5})?$`)

// referrerHost is the host that a page view came from, "" when what was reported is none.
func referrerHost(s string) string {
	if s = strings.ToLower(s); !hostName.MatchString(s) {
		return ""
	}
	return strings.TrimPrefix(s, "www.")
}

func (e *server) publish(ev msg.ClientEvent) {
	data, err := json.Marshal(ev)
	if err != nil {
		e.log.Error("marshal a client event", "error", err)
		return
	}
	if !e.publisher.Publish("event."+ev.Kind, ev.ID, data) {
		e.log.Warn("client event dropped: the broker has been away for long")
	}
}

// linkCode is a code of a tracked link; old pages send words for the ones they have not got.
func linkCode(s string) string {
	if s == "null" || s == "undefined" || len(s) > maxEventText || !plain(s) {
		return ""
	}
	return s
}
