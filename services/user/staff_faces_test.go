package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// pathsOf are the values of the parameters in the paths of a shop with customers.
func (e *env) pathsOf() map[string]string {
	e.customers()
	e.DB.Exec(`UPDATE chat_thread SET name = '=1+1'`)
	e.DB.Exec(`INSERT INTO canned_answer (id, title, text) VALUES (1, 'Hello', 'Hello.')`)
	return map[string]string{
		"customer":         "member-" + e.DB.Text(`SELECT id::text FROM account WHERE username = 'user1'`),
		"other":            e.DB.Text(`SELECT id::text FROM account WHERE username = 'user2'`),
		"record":           e.DB.Text(`SELECT max(id)::text FROM prospect`),
		"/customers/panel": "/customers/panel?code=c1", "id": "1", "thread": "1",
		"version": e.DB.Text(`SELECT max(version)::text FROM terms_version`)}
}

// Each page for staff is available as JSON in the shape that pages.txt has, as HTML, and as a file.
func TestSchemaOfPages(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	(&testenv.Client{TB: t}).AsStaff("user", adminui.Owner).Faces("pages.txt", e.server.staff(), e.pathsOf())
}

// A program that posts an empty form is told as JSON what is wrong with it.
func TestRefusedFormsSayWhyAsJSON(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	(&testenv.Client{TB: t}).AsStaff("user", adminui.Owner).Refused(e.server.staff(), 8, e.pathsOf())
}
