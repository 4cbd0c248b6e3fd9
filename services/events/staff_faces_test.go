package events

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// pagesOf returns the pages of a shop that has sold something, and the values of the parameters in
// their paths.
func pagesOf(t *testing.T) (adminui.Pages, map[string]string) {
	t.Helper()
	database := testenv.Database(t, testenv.Schema{Service: "events", Sets: Migrations()})
	shopOf(testenv.DB{TB: t, Conn: testenv.OpenOwner(t, database, "events")}, 600, 20, 20)
	s := &server{log: testenv.Log(t), pool: testenv.Open(t, database, "events"), pageViewDays: 400}
	return s.staff(), map[string]string{"code": "EM1", "id": "1"}
}

// Each page for staff is available as JSON in the shape that pages.txt has, as HTML, and as a file.
func TestSchemaOfPages(t *testing.T) {
	t.Parallel()
	pages, paths := pagesOf(t)
	(&testenv.Client{TB: t}).AsStaff("events", adminui.Owner).Faces("pages.txt", pages, paths)
}

// A program that posts an empty form is told as JSON what is wrong with it.
func TestRefusedFormsSayWhyAsJSON(t *testing.T) {
	t.Parallel()
	pages, paths := pagesOf(t)
	(&testenv.Client{TB: t}).AsStaff("events", adminui.Owner).Refused(pages, 2, paths)
}
