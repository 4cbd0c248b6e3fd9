package events

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Each page of the staff is JSON as its struct says, of which pages.txt keeps the shape, and HTML, and a file.
func TestSchemaOfPages(t *testing.T) {
	t.Parallel()
	database := testenv.Database(t, testenv.Schema{Service: "events", Sets: Migrations()})
	shopOf(testenv.DB{TB: t, Conn: testenv.OpenOwner(t, database, "events")}, 600, 20, 20)
	pages := (&server{log: testenv.Log(t), pool: testenv.Open(t, database, "events"), pageViewDays: 400}).staff()
	(&testenv.Client{TB: t}).AsStaff("events", adminui.Owner).Faces("pages.txt", pages, map[string]string{"code": "EM1", "id": "1"})
}

// A program that posts nothing to a form learns what is wrong with it.
func TestRefusedFormsSayWhyAsJSON(t *testing.T) {
	t.Parallel()
	database := testenv.Database(t, testenv.Schema{Service: "events", Sets: Migrations()})
	shopOf(testenv.DB{TB: t, Conn: testenv.OpenOwner(t, database, "events")}, 600, 20, 20)
	pages := (&server{log: testenv.Log(t), pool: testenv.Open(t, database, "events"), pageViewDays: 400}).staff()
	(&testenv.Client{TB: t}).AsStaff("events", adminui.Owner).Refused(pages, 2, map[string]string{"code": "EM1", "id": "1"})
}
