// Package email is the shop's one idea of an e-mail address: what people may enter, when two
// spellings are the same address, and when two addresses are the same person's. Shop, checkout and
// mailer ask here, so that none refuses what another accepted.
package email

import (
	"regexp"
	"strings"
)

// MaxLength is how many characters an address may have.
const MaxLength = 254

// shape is the contract's (section 3): ASCII only; $ is the end of the text, so no line break slips
// through.
var shape = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._+-]*[A-Za-z0-9])?@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9]{2,}$`)

// HasShape reports whether a text of whatever length looks like an address.
func HasShape(address string) bool { return shape.MatchString(address) }

// Valid reports whether people may enter an address, for an account as well as for a receipt.
func Valid(address string) bool { return len(address) <= MaxLength && HasShape(address) }

// Key is an address for comparing: the case of its letters does not count, nor do blanks around it.
func Key(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// dotless are the domains whose mail hosts are known to pass over dots in the local part, with the
// name under which they count.
var dotless = map[string]string{"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}

// Person is the mailbox that an address leads to, for counting what each person may have once.
// Beyond Key, a tag after a plus sign does not count: nearly all mail hosts deliver it to the same
// mailbox, and at the others a person loses only a second use of a code. Dots count, except at the
// hosts in dotless: elsewhere first.last and firstlast are two people.
func Person(address string) string {
	key := Key(address)
	at := strings.LastIndexByte(key, '@')
	if at < 0 {
		return key
	}
	local, domain := key[:at], key[at+1:]
	if tag := strings.IndexByte(local, '+'); tag > 0 {
		local = local[:tag]
	}
	if host, ok := dotless[domain]; ok {
		local, domain = strings.ReplaceAll(local, ".", ""), host
	}
	return local + "@" + domain
}

// Path is an address as SMTP and mail headers want it, without angle brackets: a local part with
// two dots in a row, which people have, is only allowed in quotes there (RFC 5321, 4.1.2).
func Path(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || !strings.Contains(address[:at], "..") || address[0] == '"' {
		return address
	}
	return `"` + address[:at] + `"` + address[at:]
}
