package user

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// upload posts a list as the page does: as a file, or as the text of one that was checked.
func upload(staff *testenv.Client, text string, really bool) testenv.Answer {
	staff.TB.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	var err error
	if really {
		err = w.WriteField("do", "import")
		if err == nil {
			err = w.WriteField("text", text)
		}
	} else if file, ferr := w.CreateFormFile("list", "list.csv"); ferr != nil {
		err = ferr
	} else {
		_, err = file.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		staff.TB.Fatal(err)
	}

	r := staff.Body("POST", "/staff/prospects/import", body.String())
	r.Header.Set("Content-Type", w.FormDataContentType())
	return staff.Do(r)
}

// A list of prospects is checked first, every wrong line is named, and it is imported whole or not
// at all. What the shop exports can be imported. A prospect is added by hand once.
func TestStaffKeepProspects(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.register("ann_lee", "ann@mail.example.com")

	// Lists that are wrong.
	staff := e.staffClient(adminui.Manager)
	staff.Get("/staff/prospects/import").Has(200, "first_name")
	upload(staff, "email;phone\nx;1\nbob@mail.example.com;"+strings.Repeat("1", 101)+"\ncy@mail.example.com;\x00", false).
		Has(422, "email is not an address", "phone is longer", "is not UTF-8 text", `<td class="number">2</td>`)
	for text, want := range map[string]string{"": "", "name\nx": "unknown column", "email\n": "no line", "email,email\n": "two columns"} {
		if a := upload(staff, text, false); a.Status < 400 || a.Status > 499 || !strings.Contains(a.Body, want) {
			t.Errorf("%q: %s", text, a)
		}
	}
	upload(staff, strings.Repeat("x", maxImport+1), false).Has(422, "This file has 4.0 MB", `type="file"`)
	upload(staff, "", false).Has(422, "This file is empty", `type="file"`)
	staff.Post("/staff/prospects/import").Has(422, "Choose a file", `type="file"`)

	// A good list is checked, then imported, twice.
	list := "email,first_name,unsubscribed,prospect_comment\nbob@mail.example.com,Bob,false,=1+1\nann@mail.example.com,Ann,,\n" +
		"cy@mail.example.com,Cy,,\n"
	upload(staff, list, false).Has(200, "New prospects</dt><dd>2", "Known already</dt><dd>1", "1 of the new ones", "Import 3 lines")
	if n := e.DB.Number(`SELECT count(*) FROM prospect`); n != 0 {
		t.Fatalf("looking at a list imports %d", n)
	}

	for range 2 {
		if a := upload(staff, list, true); a.Status != http.StatusSeeOther {
			t.Fatal(a)
		}
	}
	if n := e.DB.Number(`SELECT count(*) FROM prospect WHERE source = 'import'`); n != 2 {
		t.Errorf("%d prospects", n)
	}

	// The export is a list that can be imported.
	staff.Get("/staff/prospects?q=bo").Has(200, "bob@mail.example.com", "/customers/prospect-")
	file := staff.Get("/staff/prospects.csv")
	file.Has(200, "email,first_name", "'=1+1")
	upload(staff, file.Body, false).Has(200, "Known already</dt><dd>2")
	if n := e.countActs("Exported 2 prospects"); n != 1 {
		t.Errorf("%d exports on record", n)
	}

	// One prospect by hand.
	add := []string{"email", "dora@mail.example.com", "first_name", "Dora", "newsletter", "on"}
	if a := staff.Post("/staff/prospects/new", add...); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	for _, email := range []string{"DORA@mail.example.com", "Ann@mail.example.com"} {
		add[1] = email
		staff.Post("/staff/prospects/new", add...).Has(422, "already belongs to a customer", `value="Dora"`)
	}
	staff.Post("/staff/prospects/new", "email", "x").Has(422, "email address")
	if n := e.DB.Number(`SELECT count(*) FROM consent WHERE what = 'newsletter' AND given AND source = 'staff'`); n != 1 {
		t.Errorf("%d consents", n)
	}

	// Others may not import, and a list has a limit.
	if a := upload(e.staffClient(adminui.Support), list, true); a.Status != http.StatusForbidden {
		t.Error(a)
	}
	var long strings.Builder
	long.WriteString("email\n")
	for i := range maxImported + 1 {
		fmt.Fprintf(&long, "p%d@mail.example.com\n", i)
	}
	upload(staff, long.String(), false).Has(422, "the limit is 10000")
}
