package user

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// guest adds a prospect who agreed to newsletters with an order.
func (e *env) guest(address string) prospect {
	e.t.Helper()
	e.bought("of "+address, msg.OrderPlaced{Email: address, OrderAmounts: msg.OrderAmounts{Total: 100}, Newsletter: true})
	p, found := e.prospect(address)
	if !found {
		e.t.Fatalf("%s is not a prospect", address)
	}
	return p
}

// mustPost posts a form of the back office that has to be accepted.
func (e *env) mustPost(staff *testenv.Client, path string, fields ...string) {
	e.t.Helper()
	if a := staff.Post(path, fields...); a.Status != http.StatusSeeOther {
		e.t.Fatalf("%s: %s", path, a)
	}
}

// mergeRecord merges the record of an address into a customer's, as the page shows the two.
func (e *env) mergeRecord(staff *testenv.Client, path, address string) {
	e.t.Helper()
	a := staff.Post(path+"/merge", "other", address)
	if a.Status != http.StatusSeeOther {
		e.t.Fatalf("%s: %s", path, a)
	}
	page := "/staff" + a.Header.Get("Location")
	e.mustPost(staff, page, e.shownVersions(staff, page)...)
}

// shownVersions are the form fields with the versions of the two records that a page shows.
func (e *env) shownVersions(staff *testenv.Client, page string) []string {
	e.t.Helper()
	asJSON := *staff
	asJSON.Header = http.Header{"Accept": {"application/json"}}
	shown := asJSON.Get(page)
	return []string{"version", fmt.Sprint(shown.At("into", "version")), "other_version", fmt.Sprint(shown.At("other", "version"))}
}

// The record of a member who was a guest once cannot be merged into another member's. An erasure
// spares a member who registered with the address of a record that had been merged.
func TestStaffMergeAndEraseSpareOtherMembers(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.verified("ann_lee", "ann@mail.example.com")
	e.guest("pat@mail.example.com")
	e.verified("pat_ray", "pat@mail.example.com")
	staff := e.staffClient(adminui.Owner)
	e.staffClient(adminui.Support).Post(memberPath(ann, "merge"), "other", "pat@mail.example.com").Has(422, "This is a member.")

	e.guest("work@mail.example.com")
	e.guest("home@mail.example.com")
	e.mergeRecord(staff, memberPath(ann), "work@mail.example.com")
	e.mergeRecord(staff, memberPath(ann), "home@mail.example.com")

	will := e.register("will_roe", "work@mail.example.com")
	staff.Get(memberPath(will)).Has(200, "work@mail.example.com")

	e.mustPost(staff, memberPath(ann, "erase"), "confirm", "ann@mail.example.com")
	if e.DB.Text(`SELECT string_agg(username, ' ' ORDER BY id) FROM account`) != "pat_ray will_roe" {
		t.Error("another member is gone")
	}
	if got := e.DB.Text(`SELECT string_agg(email, ' ' ORDER BY id) FROM prospect WHERE merged_member IS NULL`); got !=
		"pat@mail.example.com work@mail.example.com" {
		t.Errorf("records that are left: %s", got)
	}
	for _, m := range outboxPayloads[msg.Erased](e, msg.UserErased) {
		if !slices.Equal(m.Emails, []string{"ann@mail.example.com", "home@mail.example.com"}) {
			t.Errorf("the others erase %v", m.Emails)
		}
	}
}

// What was merged into a prospect's record is erased everywhere with the member that the prospect
// has become.
func TestEraseWhatWasMergedBeforeTheMemberRegistered(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	first, second := e.guest("ann@mail.example.com"), e.guest("work@mail.example.com")
	staff := e.staffClient(adminui.Owner)
	e.mergeRecord(staff, "/staff/customers/prospect-"+web.ID(first.ID), "work@mail.example.com")
	ann := e.verified("ann_lee", "ann@mail.example.com")

	e.mustPost(staff, memberPath(ann, "erase"), "confirm", "ann@mail.example.com")
	var ids []int64
	for _, m := range outboxPayloads[msg.Erased](e, msg.UserErased) {
		ids = append(ids, m.ProspectID)
		if !slices.Contains(m.Emails, "work@mail.example.com") || !slices.Contains(m.Codes, second.Code) {
			t.Errorf("the others erase %v, %v", m.Emails, m.Codes)
		}
	}
	if !slices.Equal(ids, []int64{first.ID, second.ID}) || e.DB.Number(`SELECT count(*) FROM prospect`) != 0 {
		t.Errorf("the others erase prospects %v", ids)
	}
}

// A customer who wants no newsletters gets none under the addresses of merged records, whether
// these were merged before or after.
func TestStaffMergedRecordsAreUnsubscribed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.verified("ann_lee", "ann@mail.example.com")
	e.guest("work@mail.example.com")
	e.guest("home@mail.example.com")
	staff := e.staffClient(adminui.Owner)
	e.mergeRecord(staff, memberPath(ann), "work@mail.example.com")
	if p, _ := e.prospect("work@mail.example.com"); p.Unsubscribed {
		t.Fatal("merging alone ended the only newsletter")
	}

	for range 2 {
		e.mustPost(staff, memberPath(ann, "unsubscribe"))
	}
	e.mergeRecord(staff, memberPath(ann), "home@mail.example.com")

	told := map[string]msg.Prospect{}
	for _, m := range outboxPayloads[msg.Prospect](e, msg.ProspectChanged) {
		told[m.Email] = m
	}
	for _, address := range []string{"work@mail.example.com", "home@mail.example.com"} {
		if p, _ := e.prospect(address); !p.refused() || !told[address].Unsubscribed || !*told[address].Refused {
			t.Errorf("%s: %+v, told %+v", address, p, told[address])
		}
	}

	if n := e.DB.Number(`SELECT count(*) FROM consent WHERE what = 'marketing-mail' AND NOT given AND source = 'staff'`); n != 3 {
		t.Errorf("%d refusals on record", n)
	}
	if n := e.countActs("Unsubscribed member-"); n != 1 {
		t.Errorf("%d acts on record", n)
	}
}

// A refusal by the link of a mail or on the account page counts for merged records, as one by staff
// does.
func TestOwnRefusalCountsForMergedRecords(t *testing.T) {
	t.Parallel()
	for way, refuse := range map[string]func(e *env, ann int64){
		"link": func(e *env, ann int64) {
			e.Post("/user/email-unsubscribe-confirm", "token", e.account(ann).UnsubscribeToken)
		},
		"account page": func(e *env, ann int64) { e.switches(ann, "false", "true") },
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			ann := e.verified("ann_lee", "ann@mail.example.com")
			e.guest("work@mail.example.com")
			e.mergeRecord(e.staffClient(adminui.Owner), memberPath(ann), "work@mail.example.com")
			refuse(e, ann)
			if p, _ := e.prospect("work@mail.example.com"); !p.refused() {
				t.Errorf("%+v", p)
			}
		})
	}
}

// A prospect's record is merged on a page of its own, which shows both sides: naming the record
// changes nothing, and a record that has changed since is shown again instead.
func TestStaffSeeARecordBeforeTheyMergeIt(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.verified("ann_lee", "ann@mail.example.com")
	e.bought("A1", msg.OrderPlaced{MemberID: ann, OrderAmounts: msg.OrderAmounts{Total: 1000}})
	work := e.guest("work@mail.example.com")
	e.bought("W1", msg.OrderPlaced{Email: "work@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 44762}})

	staff := e.staffClient(adminui.Support)
	page := memberPath(ann, "records", web.ID(work.ID))
	if a := staff.Post(memberPath(ann, "merge"), "other", "work@mail.example.com"); a.Status != http.StatusSeeOther ||
		"/staff"+a.Header.Get("Location") != page {
		t.Fatal(a, a.Header)
	}
	if e.DB.Number(`SELECT count(*) FROM prospect WHERE merged_member IS NOT NULL`) != 0 {
		t.Fatal("merged by one click")
	}

	staff.Get(page).Has(200, "no way back", "ann@mail.example.com", "10.00", "work@mail.example.com", "448.62")
	staff.Versions(page)
	shown := e.shownVersions(staff, page)

	e.Exec(`UPDATE prospect SET version = version + 1 WHERE id = $1`, work.ID)
	staff.Post(page, shown...).Has(409, "changed in the meantime", "448.62")

	shown = e.shownVersions(staff, page)
	e.mustPost(staff, page, shown...)
	staff.Post(page, shown...).Has(422, "already been merged")
	staff.Get(memberPath(ann)).Has(200, "458.62")

	if n := e.countActs("Merged another record into"); n != 1 {
		t.Errorf("%d acts on record", n)
	}
	staff.Get(memberPath(ann, "records", "0")).Has(404)
	staff.Get(memberPath(ann, "records", "x")).Has(404)
}
