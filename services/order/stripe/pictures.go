package stripe

import (
	"net/url"
	"strings"
)

// maxPicture is the length of the longest picture address that Stripe accepts.
const maxPicture = 2048

// picture is the absolute address of a picture in the form that Stripe accepts, or "" if there is
// none: a picture is never worth a sale. Staff type addresses as browsers understand them: relative
// ones, those without a scheme, with blanks and letters of any alphabet.
func picture(shop *url.URL, address string) string {
	// As browsers do first: trim the address, and remove line breaks inside.
	address = strings.TrimFunc(address, func(r rune) bool { return r <= ' ' })
	address = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(address)
	path, rest := address, ""
	if at := strings.IndexAny(address, "?#"); at >= 0 {
		path, rest = address[:at], address[at:]
	}
	if path == "" {
		return ""
	}
	ref, err := url.Parse(escaped(strings.ReplaceAll(path, `\`, "/") + rest))
	if err != nil {
		return ""
	}
	u := shop.ResolveReference(ref)
	u.Fragment, u.RawFragment = "", ""
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || !ASCII(u.Host) {
		return ""
	}
	if text := u.String(); len(text) <= maxPicture {
		return text
	}
	return ""
}

// escaped percent-encodes the characters that an address must not contain. Existing escapes stay as
// they are, and a percent sign that is not part of one is encoded itself.
func escaped(address string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(address) {
		c := address[i]
		switch {
		case c == '%' && i+2 < len(address) && isHex(address[i+1]) && isHex(address[i+2]):
			b.WriteByte(c)
		case c <= ' ' || c >= 0x7f || strings.IndexByte("\"%<>[]\\^`{|}", c) >= 0:
			b.WriteString(string([]byte{'%', hex[c>>4], hex[c&15]}))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// ASCII reports whether an address consists of visible ASCII characters: Stripe accepts no others.
func ASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
