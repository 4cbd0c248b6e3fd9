package mailer

import (
	"context"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// staffCampaignFrame shows the posted or the sent text for one receiver or a sample. Its links give
// access to nothing.
func (s *server) staffCampaignFrame(r *http.Request) (adminui.Answer, error) {
	c, err := s.campaignFromPath(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost {
		typed, wrong := typedCampaign(c, form)
		for _, problem := range wrong {
			return shownMail{Problem: strings.TrimSuffix(problem, ".")}.answer(), nil
		}
		c = typed
	}

	to, found, err := s.reader(r.Context(), c, form.Get("reader"))
	if err != nil {
		return nil, err
	}
	if !found {
		return shownMail{Problem: strings.TrimSuffix(noReader, ".")}.answer(), nil
	}

	shown := s.fillNewsletter(c.issue(), to)
	return shownMail{From: shown.from.String(), To: []string{to.email}, Subject: shown.subject, Text: shown.text,
		HTML: shown.html}.answer(), nil
}

// issue is the text of a campaign as it would be frozen now.
func (c campaign) issue() issue {
	return issue{Code: c.Code, Subject: c.Subject, BodyText: c.BodyText, BodyHTML: c.BodyHTML,
		FromAddress: c.FromAddress}
}

// noReader answers an address that no receiver has.
const noReader = "No receiver has this address."

// reader is the person for whom a campaign is shown: the receiver with an address, or a sample if
// that is empty. The codes are always a sample's, so that no link gives access to anything.
func (s *server) reader(ctx context.Context, c campaign, address string) (to recipient, found bool, err error) {
	to = sampleReader(c.Audience)
	if address = strings.TrimSpace(address); address == "" {
		return to, true, nil
	}
	known, found, err := readerByAddress(ctx, s.pool, audiences[c.Audience], address)
	if found {
		to.firstName, to.email, to.kind = known.firstName, known.email, known.kind
	}
	return to, found, err
}

// sampleReader is a receiver whose codes give access to nothing.
func sampleReader(audience string) recipient {
	return recipient{kind: audiences[audience][0], firstName: "Ada", email: sampleAddress, code: "sample",
		token: "sample"}
}
