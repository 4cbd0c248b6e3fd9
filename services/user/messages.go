package user

import (
	"fmt"
	"maps"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// How long each mail is worth sending.
const (
	resetMailTTL  = resetTTL
	verifyMailTTL = verifyTTL
	noticeMailTTL = 72 * time.Hour
)

// session is what edge stores of a member in a session.
func (a account) session() web.SessionMember {
	return web.SessionMember{
		ID:        a.ID,
		Username:  a.Username,
		FirstName: a.FirstName,
		LastName:  a.LastName,
		Email:     a.Email,
		Code:      a.Code,
	}
}

// event tells other services about a member. Each version of a member has a message of each subject
// at most once.
func (a account) event(subject string) msg.Message {
	return msg.Message{
		Key:     fmt.Sprintf("%s:%d:%d", subject, a.ID, a.Version),
		Subject: subject,
		Payload: msg.Member{
			ID:               a.ID,
			Username:         a.Username,
			FirstName:        a.FirstName,
			LastName:         a.LastName,
			Email:            a.Email,
			EmailVerified:    a.EmailVerified,
			Code:             a.Code,
			Newsletter:       a.Newsletter,
			Unsubscribed:     a.Unsubscribed,
			UnsubscribeToken: a.UnsubscribeToken,
			Tags:             a.Tags,
			Version:          a.Version,
			At:               time.Now().UTC(),
		},
	}
}

// credentialsChanged ends every session of the member, except the one with the given hash if it is
// not "".
func (a account) credentialsChanged(keepSession string) msg.Message {
	return msg.Message{Key: fmt.Sprintf("%s:%d:%d", msg.UserCredentialsChanged, a.ID, a.Version),
		Subject: msg.UserCredentialsChanged,
		Payload: msg.CredentialsChanged{MemberID: a.ID, KeepSession: keepSession, At: at(a.PasswordChanged)}}
}

// at is a stored time, or now if there is none.
func at(t *time.Time) time.Time {
	if t == nil {
		return time.Now().UTC()
	}
	return t.UTC()
}

// mail has mailer send the member a mail. key says what the mail is about, within its kind.
func (a account) mail(kind string, key any, life time.Duration, more map[string]string) msg.Message {
	data := map[string]string{"first_name": a.FirstName, "last_name": a.LastName, "username": a.Username,
		"email": a.Email}
	maps.Copy(data, more)
	to := []string{a.Email}
	if old := more["old_email"]; old != "" {
		to = append(to, old)
	}
	var proved []string
	if a.EmailVerified {
		proved = append(proved, a.Email)
	}
	now := time.Now().UTC()
	return msg.Message{
		Key:     fmt.Sprintf("%s:%v", kind, key),
		Subject: msg.MailSubject(kind),
		Payload: msg.SendMail{
			Kind:       kind,
			To:         to,
			Proved:     proved,
			Data:       data,
			MemberID:   a.ID,
			MemberCode: a.Code,
			CreatedAt:  now,
			Deadline:   now.Add(life),
		},
	}
}

// toProved adds that the member has proved one of a mail's addresses.
func toProved(m msg.Message, address string) msg.Message {
	if mail, ok := m.Payload.(msg.SendMail); ok {
		mail.Proved = append(mail.Proved, address)
		m.Payload = mail
	}
	return m
}

// atProved is the account with the address that its member proved last, or with the present one if
// none was. Mails go there that could be used to take the account over.
func (a account) atProved() account {
	if !a.EmailVerified && a.ProvedEmail != nil {
		a.Email, a.EmailVerified = *a.ProvedEmail, true
	}
	return a
}

// notice is a mail about something that happened to the account. It goes to the present address
// and, while that is unproved, to the one that was proved last; otherwise a thief with a session
// would be the only one to hear of it.
func (a account) notice(kind string, key any) msg.Message {
	m := a.mail(kind, key, noticeMailTTL, nil)
	if p := a.atProved(); p.Email != a.Email {
		if mail, ok := m.Payload.(msg.SendMail); ok {
			mail.To = append(mail.To, p.Email)
			m.Payload = mail
		}
		m = toProved(m, p.Email)
	}
	return m
}

// change identifies one version of a member, as a mail's key.
func (a account) change() string { return fmt.Sprintf("%d:%d", a.ID, a.Version) }

// event tells other services about a prospect.
func (p prospect) event() msg.Message {
	return msg.Message{
		Key:     fmt.Sprintf("%s:%d:%d", msg.ProspectChanged, p.ID, p.Version),
		Subject: msg.ProspectChanged,
		Payload: msg.Prospect{
			ID:               p.ID,
			Email:            p.Email,
			FirstName:        pg.Text(p.FirstName),
			LastName:         pg.Text(p.LastName),
			Code:             p.Code,
			Unsubscribed:     p.Unsubscribed,
			Refused:          new(p.refused()),
			UnsubscribeToken: p.UnsubscribeToken,
			Aliases:          p.Aliases,
			Tags:             p.Tags,
			Version:          p.Version,
			At:               time.Now().UTC(),
		},
	}
}
