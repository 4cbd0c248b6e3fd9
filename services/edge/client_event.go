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

// The lengths, in characters, that an event keeps of a browser's report.
const (
	maxAddress    = 4000 // of a page's address, before secrets are cut from it
	maxEventURL   = 1000
	maxEventAgent = 1000
	maxPageWidth  = 100_000
	maxEventText  = 100
)

// eventKinds are the kinds of reports by their paths.
var eventKinds = map[string]string{
	"/clientevent/pageview": "pageview", "/clientevent/ajaxerror": "ajaxerror",
	"/clientevent/buttonclick": "buttonclick", "/clientevent/linkevent": "linkevent",
}

// clientEvent is takeEvent for requests that come through the router, such as HEAD.
func (s *server) clientEvent(kind string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s.takeEvent(w, r, kind)
		return nil
	}
}

// takeEvent takes a browser's report. The answer does not say whether it was used, and waits for
// nothing.
func (s *server) takeEvent(w http.ResponseWriter, r *http.Request, kind string) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		s.log.Debug("malformed query of a client event", "kind", kind) // the readable part counts
	}
	if client := s.clientAddr(r); s.limits.Event(client) {
		if event, ok := s.newEvent(kind, q, r, client); ok {
			s.publish(event)
		}
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Content-Length"] = headerJSON, headerNoStore, headerThankYou
	if _, err := w.Write(thankYou); err != nil {
		s.log.Debug("answering a client event", "error", err) // the browser is gone
	}
}

// newEvent is the event of a report, without the parts that make no sense. Without a page address
// there is no event.
func (s *server) newEvent(kind string, q url.Values, r *http.Request, client netip.Addr) (msg.ClientEvent, bool) {
	address := pg.Clip(q.Get("url"), maxAddress)
	page := pg.Clip(msg.PublicAddress(address), maxEventURL)
	if page == "" {
		return msg.ClientEvent{}, false
	}
	who := s.readAnonymous(q.Get("anonymous_id"))
	ev := msg.ClientEvent{
		ID: rand.Text(), Kind: kind, At: time.Now().UTC().Truncate(time.Microsecond), URL: page,
		AnonymousID: pg.Clip(who.id, maxEventText),
	}
	if kind != "linkevent" {
		member, _ := web.Number(q.Get("client_event_id"), math.MaxInt64)
		ev.UserID = s.eventMember(r, client, member, who)
	}

	switch kind {
	case "pageview":
		// The storefront's own pages keep identifiers out of the address, and report them
		// separately.
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

// referrerHost is the host that a page view came from, or "" if the report has no valid one.
func referrerHost(s string) string {
	if s = strings.ToLower(s); !hostName.MatchString(s) {
		return ""
	}
	return strings.TrimPrefix(s, "www.")
}

func (s *server) publish(ev msg.ClientEvent) {
	data, err := json.Marshal(ev)
	if err != nil {
		s.log.Error("marshaling a client event failed", "error", err)
		return
	}
	if !s.publisher.Publish("event."+ev.Kind, ev.ID, data) {
		s.log.Warn("client event dropped: the broker has been away for long")
	}
}

// linkCode is a code of a tracked link; old pages send words in place of missing codes.
func linkCode(s string) string {
	if s == "null" || s == "undefined" || len(s) > maxEventText || !plain(s) {
		return ""
	}
	return s
}
