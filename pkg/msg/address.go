package msg

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
)

// secretNames are parts of the names of parameters whose values stand for a person, an order or a
// right, or say where a person comes from or goes to.
var secretNames = []string{
	"identifier", "token", "code", "_cd", "session", "next", "mail", "passw", "pwd", "secret", "auth", "user", "member",
	"prospect",
	"name", "phone", "address", "order", "return", "redirect", "signature", "clid", "anonymous",
}

// plainValue matches what a parameter may keep: a few words or a number. A value as long as a code
// is taken for a code.
var plainValue = regexp.MustCompile(`^[\p{L}\p{N} ._,+/-]{0,40}$`)

// longCode matches text that is too long and too mixed for a word.
var longCode = regexp.MustCompile(`[A-Za-z0-9_]{15,}`)

// wordsOnly matches the name of a parameter that is made of words.
var wordsOnly = regexp.MustCompile(`^[A-Za-z]{1,14}([_-][A-Za-z]{1,14}){0,3}$`)

// plainFragment matches the name of an anchor in a page.
var plainFragment = regexp.MustCompile(`^[a-z][a-z_-]{0,23}$`)

// PublicAddress is the address of a page as records may hold it: codes, tokens, identifiers,
// addresses of people and of other pages in it become "-". Pages cut theirs (publicAddress in
// links.js); this is for those that do not.
func PublicAddress(page string) string {
	page, fragment, _ := strings.Cut(page, "#")
	path, query, asks := strings.Cut(page, "?")
	page = publicPath(path)
	if asks {
		page += "?" + publicQuery(query)
	}
	if plainFragment.MatchString(fragment) {
		page += "#" + fragment
	}
	return page
}

// publicPath leaves out a login before the host, everything behind a semicolon, e-mail addresses
// and orders.
func publicPath(path string) string {
	if scheme, rest, ok := strings.Cut(path, "//"); ok {
		host, tail, _ := strings.Cut(rest, "/")
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			path = scheme + "//" + host[i+1:]
			if len(rest) > len(host) {
				path += "/" + tail
			}
		}
	}
	path, _, _ = strings.Cut(path, ";")
	segments := strings.Split(path, "/")
	for i, s := range segments {
		before := ""
		if i > 0 {
			before = strings.ToLower(segments[i-1])
		}
		plain := decoded(s)
		if strings.Contains(plain, "@") || (before == "order" || before == "orders") && len(plain) >= 8 &&
			plain != "products" {
			segments[i] = "-"
		}
	}
	return strings.Join(segments, "/")
}

func publicQuery(query string) string {
	parts := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' || r == '?' })
	for i, part := range parts {
		name, value, has := strings.Cut(part, "=")
		switch {
		case has && plainParameter(name, value), !has && plainText(name):
		case has && plainName(name):
			parts[i] = name + "=-"
		default:
			parts[i] = "-"
		}
	}
	return strings.Join(parts, "&")
}

// plainParameter reports whether a parameter may stay as it is.
func plainParameter(name, value string) bool {
	return !secretName(name) && plainName(name) && plainText(value)
}

func plainText(s string) bool {
	s = decoded(s)
	return plainValue.MatchString(s) && !longCode.MatchString(s)
}

// plainName reports whether the name of a parameter may stay: a code may stand in its place.
func plainName(name string) bool {
	return plainText(name) || secretName(name) && wordsOnly.MatchString(decoded(name))
}

func secretName(name string) bool {
	name = strings.ToLower(decoded(name))
	for _, part := range secretNames {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// decoded undoes percent-encoding, also of a text that was encoded twice.
func decoded(s string) string {
	for range 3 {
		plain, err := url.QueryUnescape(s)
		if err != nil || plain == s {
			break
		}
		s = plain
	}
	return s
}

// orderInAddress matches the parameter of the pages that show an order.
var orderInAddress = regexp.MustCompile(`(?i)(?:^|[?&;#])(?:order_)?identifier=([A-Za-z0-9]{6,100})(?:$|[&;#?])`)

// OrderInAddress is a mark of the order that a page's address names (see OrderMark), or "".
func OrderInAddress(page string) string {
	found := orderInAddress.FindStringSubmatch(decoded(page))
	if found == nil {
		return ""
	}
	return OrderMark(found[1])
}

// OrderMark stands for an order where its identifier, which opens a visitor's order, must not
// stand. The identifier leads to the mark, and the mark leads nowhere: it has 131 random bits.
func OrderMark(identifier string) string {
	sum := sha256.Sum256([]byte("order:" + identifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
