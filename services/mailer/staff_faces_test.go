package mailer

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// pathsOf are the parameters of the pages of a mailer with one mail that could not be sent.
func (e *env) pathsOf(s *server) map[string]string {
	e.t.Helper()
	e.Exec(`INSERT INTO delivery (key, kind, payload, to_hashes, message_id,
		  state, deadline, created_at, done_at, reason, smtp_reply, order_identifier)
		VALUES ('welcome:1', 'welcome', '{"kind":"welcome","to":["ann@mail.example.com"],"data":{"first_name":"Ann"}}', ARRAY[$1], 'm1',
		  'parked', now(), now(), now(), 'refused', '=550', 'order1')`, s.hash("ann@mail.example.com"))
	return map[string]string{"identifier": "order1", "customer": "member-1", "/mails/{id}": "/mails/1", "kind": "welcome",
		"/campaigns/{id}": "/campaigns/1"}
}

// Each staff page answers as JSON in the shape that pages.txt keeps, as HTML, and as a file.
func TestSchemaOfPages(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	s := e.server()
	e.office(adminui.Owner).Faces("pages.txt", s.staff(), e.pathsOf(s))
}

// A program that posts nothing to a form is told what is wrong with it.
func TestRefusedFormsSayWhyAsJSON(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	s := e.server()
	e.office(adminui.Owner).Refused(s.staff(), 4, e.pathsOf(s))
}
