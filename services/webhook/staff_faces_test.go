package webhook

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Each page for staff is available as JSON in the shape that pages.txt has, as HTML, and as a file.
func TestSchemaOfPages(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sendUntilStored(`{"id":"evt_paid","type":"checkout.session.completed",
		"data":{"object":{"id":"cs_7","payment_intent":"pi_7","payment_status":"paid"}}}`)
	(&testenv.Client{TB: t}).AsStaff("webhook", adminui.Owner).Faces("pages.txt", (&server{pool: e.pool}).staff(),
		map[string]string{"/stripe/panel": "/stripe/panel?key=cs_7", "id": "evt_paid"})
}
