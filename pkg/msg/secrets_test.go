package msg

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// harmless are the fields that sound as if they opened something, and do not: they say which mail
// or person a visit came from, what a customer typed at the checkout, or where a parcel is.
var harmless = []string{"prospect_code", "mb_cd", "pr_cd", "em_cd", "ad_cd", "codes.[].code", "order.codes.[].code", "country_code",
	"order.shipping_address.country_code", "order.billing_address.country_code", "order.em_cd", "keep_session",
	"shipment.tracking_url", "url", "key", "aliases.[]"}

// Every field of a payload whose name may stand for a code, a token or a link is known: it opens
// nothing, or Opens says that it does.
func TestEveryFieldThatMayOpenSomethingIsKnown(t *testing.T) {
	t.Parallel()
	for _, payload := range []any{OrderPlaced{}, OrderStatusChanged{}, ReceiptAddressGiven{}, Member{}, Erased{}, CredentialsChanged{},
		ChatWritten{},
		Prospect{}, SendMail{}, MailDone{}, StaffActed{}, ClientEvent{}} {
		for _, path := range fields(reflect.TypeOf(payload), nil) {
			name, last := strings.Join(path, "."), strings.TrimSuffix(strings.Join(path, "."), ".[]")
			last = last[strings.LastIndex(last, ".")+1:]
			sounds := slices.ContainsFunc([]string{"code", "token", "secret", "url", "_cd", "session", "key", "alias", "password"},
				func(part string) bool { return strings.Contains(last, part) })
			if sounds && !Opens(path) && !slices.Contains(harmless, name) {
				t.Errorf("%T: does %s open something?", payload, name)
			}
		}
	}

	for _, path := range []string{"unsubscribe_token", "Unsubscribe_Token", "data.code", "DATA.undo_code", "codes.[]",
		"data.object.payment_intent.client_secret", "[].unsubscribe_token"} {
		if !Opens(strings.Split(path, ".")) {
			t.Errorf("%s may be shown", path)
		}
	}

	for _, name := range harmless {
		if Opens(strings.Split(name, ".")) {
			t.Errorf("%s is hidden", name)
		}
	}
}

// fields are the paths of the texts in a type.
func fields(t reflect.Type, path []string) (paths [][]string) {
	switch t.Kind() {
	case reflect.Pointer:
		return fields(t.Elem(), path)
	case reflect.Slice:
		return fields(t.Elem(), append(slices.Clone(path), "[]"))
	case reflect.String:
		return [][]string{path}
	case reflect.Struct:
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			paths = append(paths, fields(t.Field(i).Type, append(slices.Clone(path), name))...)
		}
	}
	return paths
}
