package user

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// postMerge merges an account into another one as the page shows them.
func (e *env) postMerge(staff *testenv.Client, into, other int64) testenv.Answer {
	e.t.Helper()
	return staff.Post(memberPath(into, "accounts", web.ID(other)), e.versions(into, other)...)
}

func (e *env) versions(into, other int64) []string {
	version := func(id int64) string {
		return strconv.Itoa(e.DB.Number(`SELECT version FROM account WHERE id = $1`, id))
	}
	return []string{"version", version(into), "other_version", version(other)}
}

// Of two accounts of a person one gets what the other has, which is closed: no one logs in to it,
// what arrives for it later counts for the open one, its consent does, too, and an erasure of
// either takes both.
func TestStaffMergeTwoAccounts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)

	// Bob's account has orders, a note, a merged record, tags, a chat and an open reset.
	ann := e.verified("ann_lee", "ann@mail.example.com")
	bob := e.verified("bob_lee", "bob@mail.example.com", "newsletter", "true")
	work := e.guest("work@mail.example.com")
	e.bought("A1", msg.OrderPlaced{MemberID: ann, OrderAmounts: msg.OrderAmounts{Total: 1000}})
	e.bought("B1", msg.OrderPlaced{MemberID: bob, OrderAmounts: msg.OrderAmounts{Total: 700}})
	token := e.account(bob).UnsubscribeToken
	staff := e.staffClient(adminui.Owner)
	e.mustPost(staff, memberPath(bob, "notes"), "text", "Buys for the office.")
	e.mergeRecord(staff, memberPath(bob), "work@mail.example.com")
	e.Exec(`UPDATE account SET tags = '{office}' WHERE id = $1`, bob)
	e.As(member(bob)).Post("/user/put-chat-message", "name", "Bob", "email_address", "bob@mail.example.com", "message", "Hello there")
	e.Post("/user/reset-password", "username", "bob_lee", "email_address", "bob@mail.example.com")
	e.answerAll()
	code := e.lastMail(msg.MailReset).Data["code"]

	// The page of the merge is for those who may erase, and shows what moves.
	e.staffClient(adminui.Support).Post(memberPath(ann, "merge"), "other", "bob_lee").Has(422, "Owners and managers")
	page := memberPath(ann, "accounts", web.ID(bob))
	for _, name := range []string{"bob_lee", "BOB@mail.example.com"} {
		if a := staff.Post(memberPath(ann, "merge"), "other", name); a.Status != http.StatusSeeOther ||
			a.Header.Get("Location") != page[len("/staff"):] {
			t.Fatal(a, a.Header)
		}
	}
	staff.Get(page).Has(200, "bob_lee", "8.00", "office", "goes to the address that stays", "no way back")

	// The merge.
	if a := e.postMerge(staff, ann, bob); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	staff.Get(memberPath(ann)).Has(200, "18.00", "office", "Buys for the office.", "Hello there", "bob_lee",
		"Orders of bob@mail.example.com", "Orders of work@mail.example.com", "merged by staff")
	staff.Get(memberPath(bob)).Has(200, "merged into", memberPath(ann)[len("/staff"):])
	if list := staff.Get("/staff/customers").Body; strings.Contains(list, "bob_lee") || strings.Contains(list, "work@") {
		t.Error("what was merged is listed")
	}

	// What the other services, the owner and the log are told.
	if ended := outboxPayloads[msg.CredentialsChanged](e, msg.UserCredentialsChanged); len(ended) != 1 || ended[0].MemberID != bob {
		t.Errorf("sessions that end: %+v", ended)
	}
	if m := outboxPayloads[msg.Merged](e, msg.UserMerged); len(m) != 1 || m[0].MemberID != bob || m[0].Into != ann {
		t.Errorf("told %+v", m)
	}
	var to []string
	for _, m := range e.mails(msg.MailAccountsMerged) {
		to = append(to, m.To...)
		if m.Data["username"] != "ann_lee" || m.Data["closed_username"] != "bob_lee" || !slices.Equal(m.To, m.Proved) {
			t.Errorf("mailed %+v", m)
		}
	}
	if !slices.Equal(to, []string{"ann@mail.example.com", "bob@mail.example.com"}) {
		t.Errorf("mailed to %v", to)
	}
	told := map[int64]msg.Member{}
	for _, m := range outboxPayloads[msg.Member](e, msg.UserPreferencesChanged) {
		told[m.ID] = m
	}
	if told[bob].Newsletter || told[bob].Unsubscribed || !told[ann].Newsletter || !slices.Equal(told[ann].Tags, []string{"office"}) {
		t.Errorf("told %+v", told)
	}
	if n := e.countActs("Merged member-"); n != 2 {
		t.Errorf("%d acts on record", n)
	}

	// Nothing more can be merged, and nothing opens the closed account.
	for _, id := range []int64{bob, ann} { // once more, and into the closed one
		other := ann + bob - id
		e.postMerge(staff, other, id).Has(422, "merged")
		staff.Post(memberPath(other, "merge"), "other", "ann_lee")
	}
	e.wantClosed(bob, code)

	// Later orders count for the open account.
	e.bought("B2", msg.OrderPlaced{MemberID: bob, OrderAmounts: msg.OrderAmounts{Total: 50}})                   // it was being paid
	e.bought("B3", msg.OrderPlaced{Email: "bob@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 5}})    // as a visitor
	e.bought("W1", msg.OrderPlaced{Email: "work@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 200}}) // under a merged record
	if n := e.DB.Number(`SELECT spent FROM account WHERE id = $1`, ann); n != 1000+700+100+50+5+200 {
		t.Errorf("bought for %d", n)
	}

	e.Exec(`UPDATE account SET orders = 1, spent = 9 WHERE id = $1`, bob)
	e.Exec(`INSERT INTO bought (identifier, member_id, total, at) VALUES ('late', $1, 9, now())`, bob)
	if n, err := moveStragglers(t.Context(), e.pool); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}

	// Either account, and each address, names the same person.
	for _, named := range []erasure.Person{{MemberIDs: []int64{ann}}, {MemberIDs: []int64{bob}},
		{Emails: []string{"bob@mail.example.com"}}, {Emails: []string{"work@mail.example.com"}}} {
		p, err := FindPerson(t.Context(), e.pool, named)
		if err != nil || !slices.Equal(p.MemberIDs, []int64{ann, bob}) || !slices.Contains(p.ProspectIDs, work.ID) || len(p.Emails) != 3 {
			t.Errorf("%+v is %+v, %v", named, p, err)
		}
	}

	e.Post("/user/email-unsubscribe-confirm", "token", token).Want("success", "email_unsubscribe_confirm")
	if a := e.account(ann); !a.Unsubscribed {
		t.Error("the link of a mail to the closed account ended no newsletters")
	}

	e.mustPost(staff, memberPath(ann, "erase"), "confirm", "ann@mail.example.com")
	if n := e.DB.Number(`SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM prospect) + (SELECT count(*) FROM bought)`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// wantClosed checks that nothing opens an account any longer.
func (e *env) wantClosed(id int64, code string) {
	e.t.Helper()
	e.is(e.Post("/user/login", "username", "bob_lee", "password", goodPassword, "remember_me", "false"), `{"login":"false"}`)

	mails := len(e.mails(msg.MailReset)) + len(e.mails(msg.MailUsername))
	e.Post("/user/reset-password", "username", "bob_lee", "email_address", "bob@mail.example.com")
	e.Post("/user/forgot-username", "email_address", "bob@mail.example.com")
	e.answerAll()
	if n := len(e.mails(msg.MailReset)) + len(e.mails(msg.MailUsername)); n != mails {
		e.t.Errorf("%d mails to who asked for a closed account", n-mails)
	}

	e.Post("/user/set-new-password", "username", "bob_lee", "password_reset_code", code, "new_password", "another-Good-1",
		"confirm_new_password", "another-Good-1").Want("username-not-found", "set_new_password")
	e.is(e.Post("/user/login", "username", "bob_lee", "password", "another-Good-1", "remember_me", "false"), `{"login":"false"}`)

	if a := e.As(member(id)).Post("/user/update-my-information", "firstname", "X", "lastname", "Y", "email_address",
		"new@mail.example.com"); !strings.Contains(a.Body, "not_authenticated") {
		e.t.Error(a)
	}

	staff := e.staffClient(adminui.Owner)
	for _, command := range []string{"verify", "sessions", "edit"} {
		if a := staff.Post(memberPath(id, command), "version", "1", "first_name", "X", "last_name", "Y", "email",
			"x@mail.example.com"); a.Status != http.StatusNotFound {
			e.t.Errorf("%s: %s", command, a)
		}
	}

	if e.DB.Number(`SELECT count(*) FROM account WHERE first_name = 'X' OR last_login IS NULL`) != 0 {
		e.t.Error("a closed account was changed")
	}
}

// Of people who merge accounts at once the first one succeeds; the others are shown what was done.
// A page that shows an account as it no longer is merges nothing.
func TestStaffMergeAccountsAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann, bob := e.verified("ann_lee", "ann@mail.example.com"), e.verified("bob_lee", "bob@mail.example.com")
	staff := e.staffClient(adminui.Owner)

	// A page that is out of date, and pages of no two accounts.
	shown := e.versions(ann, bob)
	page := memberPath(ann, "accounts", web.ID(bob))
	e.Exec(`UPDATE account SET version = version + 1 WHERE id = $1`, bob)
	staff.Post(page, shown...).Has(409, "changed in the meantime")
	staff.Post(page, "version", shown[1]).Has(400)
	for _, path := range []string{memberPath(ann, "accounts", web.ID(ann)), memberPath(ann, "accounts", "x"),
		memberPath(ann, "accounts", "99"), "/staff/customers/prospect-1/accounts/1"} {
		if a := staff.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %s", path, a)
		}
	}

	// Six people at once, in both directions.
	there, back := e.versions(ann, bob), e.versions(bob, ann)
	other := memberPath(bob, "accounts", web.ID(ann))
	counts := map[int]int{}
	for _, a := range together(6, func(i int) testenv.Answer {
		if i%2 == 0 {
			return staff.Post(page, there...)
		}
		return staff.Post(other, back...)
	}) {
		counts[a.Status]++
	}
	if counts[http.StatusSeeOther] != 1 || counts[http.StatusConflict]+counts[http.StatusUnprocessableEntity] != 5 {
		t.Errorf("answers %v", counts)
	}

	n := e.DB.Number(`SELECT count(*) FROM account WHERE merged_member IS NULL`)
	if n != 1 || len(outboxPayloads[msg.Merged](e, msg.UserMerged)) != 1 {
		t.Errorf("%d accounts are open", n)
	}
}

// An account that was merged moves on with the one it was merged into, and the address of a closed
// account that is another member's by now is theirs.
func TestStaffMergeAMergedAccount(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann, bob := e.verified("ann_lee", "ann@mail.example.com"), e.verified("bob_lee", "bob@mail.example.com", "newsletter", "true")
	cy := e.verified("cy_lee", "cy@mail.example.com")
	staff := e.staffClient(adminui.Manager)
	e.bought("B1", msg.OrderPlaced{MemberID: bob, OrderAmounts: msg.OrderAmounts{Total: 700}})
	e.As(member(cy)).Post("/user/update-communication-preferences", why("newsletter", "false", "email_unsubscribe", "true")...)

	for _, pair := range [][2]int64{{ann, bob}, {cy, ann}} {
		if a := e.postMerge(staff, pair[0], pair[1]); a.Status != http.StatusSeeOther {
			t.Fatal(a)
		}
	}

	if n := e.DB.Number(`SELECT count(*) FROM account WHERE merged_member = $1`, cy); n != 2 {
		t.Errorf("%d accounts are merged", n)
	}
	if a := e.account(cy); a.Newsletter || !a.Unsubscribed {
		t.Errorf("a refusal became %+v", a)
	}

	dan := e.verified("dan_ray", "bob@mail.example.com")
	if p, err := FindPerson(t.Context(), e.pool, erasure.Person{Emails: []string{"bob@mail.example.com"}}); err != nil ||
		!slices.Equal(p.MemberIDs, []int64{dan}) {
		t.Errorf("%+v, %v", p, err)
	}

	e.mustPost(staff, memberPath(cy, "erase"), "confirm", "cy@mail.example.com")
	if got := e.DB.Text(`SELECT string_agg(username, ' ') FROM account`); got != "dan_ray" {
		t.Errorf("%s are left", got)
	}
}
