package msg

import (
	"strings"
	"testing"
)

// Whatever may stand for a person, an order or a right is left out of an address; plain parameters
// stay.
func TestPublicAddress(t *testing.T) {
	t.Parallel()
	const order = "q7RkV2mX9bTzLw4cYp1sNd"
	for address, want := range map[string]string{
		"":                                                       "",
		"/":                                                      "/",
		"https://shop.example/products":                          "https://shop.example/products",
		"/product/PaperClips/bSusp6dBHm":                         "/product/PaperClips/bSusp6dBHm",
		"/products?referrer=cart":                                "/products?referrer=cart",
		"/?utm_source=paper&page=2":                              "/?utm_source=paper&page=2",
		"/account#top-of-page":                                   "/account#top-of-page",
		"/account/order?identifier=" + order:                     "/account/order?identifier=-",
		"/account/order?identifier=a1":                           "/account/order?identifier=-",
		"/account/order?IDENTIFIER=" + order:                     "/account/order?IDENTIFIER=-",
		"/account/order?%69dentifier=" + order:                   "/account/order?%69dentifier=-",
		"/account/order?x=1;identifier=" + order:                 "/account/order?x=1&identifier=-",
		"/account/order#identifier=" + order:                     "/account/order",
		"/account/order#" + order:                                "/account/order",
		"/account/order?" + order:                                "/account/order?-",
		"/account/order/" + order:                                "/account/order/-",
		"/order/" + order + "?em_cd=E&mb_cd=M":                   "/order/-?em_cd=-&mb_cd=-",
		"/login?next=account/order%3Fidentifier%3D" + order:      "/login?next=-",
		"/login?a=account%252Forder%253Fidentifier%253D" + order: "/login?a=-",
		"/x?referrer=order&order_identifier=" + order:            "/x?referrer=order&order_identifier=-",
		"/account/?email_verification_code=v.1":                  "/account/?email_verification_code=-",
		"/set-new-password?password_reset_code=1":                "/set-new-password?password_reset_code=-",
		"/account/email-unsubscribe?pr_token=t&token=u":          "/account/email-unsubscribe?pr_token=-&token=-",
		"/checkout/success?session_id=cs_test_1":                 "/checkout/success?session_id=-",
		"/?gclid=abc":                                            "/?gclid=-",
		"/?q=ann@mail.example.com":                               "/?q=-",
		"/?q=ann%40mail.example.com":                             "/?q=-",
		"/?ann%40mail.example.com":                               "/?-",
		"/ann@mail.example.com/x":                                "/-/x",
		"https://ann:pw@shop.example/x":                          "https://shop.example/x",
		"/cart;jsessionid=AB12?x=1":                              "/cart?x=1",
		"/?x=%zz&y=ok":                                           "/?x=-&y=ok",
		"/?x=" + strings.Repeat("a b ", 20):                      "/?x=-",
		"/?x=1?identifier=" + order:                              "/?x=1&identifier=-",
		"/products?" + order + "=1&colour=blau":                  "/products?-&colour=blau",
	} {
		if got := PublicAddress(address); got != want {
			t.Errorf("%s becomes %s, want %s", address, got, want)
		}
		if again := PublicAddress(want); again != want {
			t.Errorf("%s becomes %s when it is cut again", want, again)
		}
	}
}

func FuzzPublicAddress(f *testing.F) {
	f.Add("/account/order?identifier=", "&x=1")
	f.Add("/login?next=", "#a")
	f.Fuzz(func(t *testing.T, before, after string) {
		const order = "q7RkV2mX9bTzLw4cYp1sNd"
		if strings.ContainsAny(before, "?#") && strings.HasSuffix(before, "=") {
			if got := PublicAddress(before + order + after); strings.Contains(got, order) {
				t.Errorf("%q keeps the identifier: %q", before+order+after, got)
			}
		}
	})
}

// An order is found in each place of an address that may name it, and its mark does not reveal its
// identifier.
func TestOrderInAddress(t *testing.T) {
	t.Parallel()
	const order = "q7RkV2mX9bTzLw4cYp1sNd"
	for _, address := range []string{"/account/order?identifier=" + order, "/account/order?x=1&identifier=" + order + "&em_cd=E",
		"/p?referrer=order&order_identifier=" + order, "/login?next=account/order%3Fidentifier%3D" + order,
		"/account/order#identifier=" + order} {
		if OrderInAddress(address) != OrderMark(order) {
			t.Errorf("%s names no order", address)
		}
	}
	for _, address := range []string{"", "/account/order", "/account/order?identifier=", "/account/order?identifier=%00",
		"/?myidentifier=" + order} {
		if mark := OrderInAddress(address); mark != "" {
			t.Errorf("%s names order %s", address, mark)
		}
	}
	if mark := OrderMark(order); strings.Contains(mark, order) || mark == OrderMark(strings.ToLower(order)) {
		t.Errorf("the mark is %s", mark)
	}
}
