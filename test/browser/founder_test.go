package browser

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// founder is a person whose shop is an hour old, and who has no shell.
type founder struct {
	*office
	buyer *browsertest.Tab
	order string
}

// TestAFoundersFirstHour sets up a shop through its pages alone: a product with pictures and SKUs,
// a code, a price for shipping, a purchase that is sent, a newsletter, and the figures of it all.
// The log has no warning, and no tab reports an error (pkg/browsertest).
func TestAFoundersFirstHour(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"SHIPPING_MAIL_AFTER=200ms"}})
	f := &founder{office: &office{T: t, shop: shop, tab: browsertest.Open(t, shop.Admin, browsertest.Desktop)},
		buyer: browsertest.Open(t, shop.URL, browsertest.Phone)}
	f.comesIn()
	f.makesAProduct()
	f.bringsPictures()
	f.addsSKUs()
	f.setsPrices()
	f.sells()
	f.sends()
	f.writesToAll()
	f.readsFigures()
	f.tab.Close()
	f.buyer.Close()
	shop.Stop()
	for line := range strings.Lines(shop.Log()) {
		if !strings.Contains(line, `"level":"INFO"`) {
			t.Error(line)
		}
	}
}

// opens follows the navigation, or a link or button of the page, by its text.
func (f *founder) opens(within, text string) {
	f.Helper()
	f.tab.Until(text+" is there", `document.readyState === 'complete' && [...document.querySelectorAll('`+within+
		`')].some((a) => a.textContent.trim() === '`+text+`')`)
	f.tab.Eval(`void setTimeout(() => [...document.querySelectorAll('` + within + `')].find((a) =>
		a.textContent.trim() === '` + text + `').click())`)
}

func (f *founder) comesIn() {
	f.Helper()
	f.tab.Go(f.shop.AdminLink)
	f.tab.Click("main button")
	f.tab.At("/account")
	f.tab.Fill("#password-new", officePassword)
	f.tab.Click("#password button")
	f.tab.Says(".notice", "Password changed")
	f.opens(".side a", "Home")
	f.tab.Says("#guide", "Set up your shop")
}

func (f *founder) makesAProduct() {
	f.Helper()
	f.opens(".guide a", "Make the first product")
	f.opens(".head a", "New product")
	f.tab.Says("h1", "New product")
	f.tab.Fill("#product-title", "Linen Apron")
	f.tab.Click("#product button")
	f.tab.Says(".notice", "Draft made")
	f.tab.Fill("#product-headline", "For cooks who bake.", "#product-description_part_1", "Stonewashed **linen**, with two pockets.")
	f.tab.Says("#preview", "two pockets")
	f.tab.Eval(`document.querySelector('#product-state').value = 'published'`)
	f.tab.Click("#product button.primary")
	f.tab.Says(".notice", "Saved")
}

// bringsPictures drops two pictures and a file that is not one from a file manager, and pastes a
// third picture.
func (f *founder) bringsPictures() {
	f.Helper()
	f.opens(".tabs a", "Pictures and videos")
	f.tab.Visible(".upload")
	f.tab.Expect("/media/upload") // the file that is not a picture

	dir := f.TempDir()
	data := &input.DragData{Items: []*input.DragDataItem{}, DragOperationsMask: 1}
	for i, name := range []string{"front.png", "back.png", "notes.png"} {
		data.Files = append(data.Files, filepath.Join(dir, name))
		f.picture(data.Files[i], uint8(40+60*i))
	}
	if err := os.WriteFile(data.Files[2], []byte("no picture"), 0o600); err != nil {
		f.Fatal(err)
	}

	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver,
		input.DispatchDragEventTypeDrop} {
		browsertest.Call(f.tab, input.DispatchDragEvent, input.DispatchDragEventParams{Type: kind, X: 700, Y: 400, Data: data})
	}

	f.tab.Until("each file has said what became of it", `[...document.querySelectorAll('.uploads li')].map((li) =>
		li.lastChild.className).join() === 'added,added,error'`)
	f.tab.Until("two are on the page", `document.querySelectorAll('.media img').length === 2`)
	f.tab.Eval(`{
		const canvas = Object.assign(document.createElement('canvas'), { width: 600, height: 600 });
		canvas.getContext('2d').fillRect(0, 0, 600, 600);
		canvas.toBlob((blob) => {
			const clipboardData = new DataTransfer();
			clipboardData.items.add(new File([blob], 'image.png', { type: 'image/png' }));
			document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
		});
	}`)
	f.tab.Until("the pasted one is there, too", `document.querySelectorAll('.media img').length === 3`)

	f.tab.Enter(`[name="picture-caption"]`, "From the front")
	f.tab.Click(".media button.primary")
	f.tab.Says(".notice", "Saved")
}

func (f *founder) picture(path string, hue uint8) {
	f.Helper()
	img := image.NewPaletted(image.Rect(0, 0, 1000, 1000), color.Palette{color.RGBA{R: hue, G: 120, B: 200 - hue, A: 255}})
	file, err := os.Create(path) //nolint:gosec // of the test's own folder
	if err == nil {
		err = png.Encode(file, img)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		f.Fatal(err)
	}
}

// addsSKUs makes an SKU for each color in each size, and counts them.
func (f *founder) addsSKUs() {
	f.Helper()
	f.opens(".tabs a", "SKUs")
	f.tab.Visible("#add")
	f.tab.Fill("#add-colors", "Natural, Indigo, Rust", "#add-sizes", "S, L", "#add-price", "29")
	f.tab.Click("#add button")
	f.tab.Says(".notice", "Added 6 SKUs")
	f.tab.Eval(`{
		const clipboardData = new DataTransfer();
		clipboardData.setData('text/plain', '10\n10\n10\n10\n10\n10');
		document.querySelector('[name$="-stock"]').dispatchEvent(
			new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
	}`)
	f.tab.Click(".grid ~ .actions button.primary")
	f.tab.Says(".notice", "Saved")
}

// setsPrices makes a code and sets the price of shipping.
func (f *founder) setsPrices() {
	f.Helper()
	f.opens(".side a", "Discounts")
	f.opens(".head a", "New code")
	f.tab.Visible("#form-code")
	f.tab.Fill("#form-code", "HELLO", "#form-description", "Ten per cent off", "#form-amount", "10")
	f.tab.Click("#form button")
	f.tab.Says("h1", "HELLO")
	f.opens(".side a", "Settings")
	f.opens("main a", "Shipping methods")
	f.opens("main a", "USPS Retail Ground")
	f.tab.Visible("#form-cost")
	f.tab.Fill("#form-cost", "4.50")
	f.tab.Click("#form button")
	f.tab.Says(".notice", "Carts use it from now on")
}

const foundersBuyer = "mia@mail.example.com"

// sells has a shopper buy an item on a phone.
func (f *founder) sells() {
	f.Helper()
	b := f.buyer
	b.Visit("/products")
	agreeToBanner(b)

	f.shop.Eventually(browsertest.Timeout, "the product is in the shop", func() bool {
		b.Visit("/products")
		return strings.Contains(b.Text("main"), "Linen Apron")
	})
	b.Eval(`void setTimeout(() => [...document.querySelectorAll('main a')].find((a) =>
		a.textContent.includes('Linen Apron')).click())`)
	b.Says("main h1", "Linen Apron")
	b.Ready()
	b.Until("its pictures are there", `[...document.querySelectorAll('main img[src*="/media/"]')].some((i) => i.naturalWidth)`)

	b.Click(`.option:nth-child(4)`)
	b.Click("#add")
	b.Visible("#added")

	// The cart, with the code.
	b.Visit("/cart")
	b.Enter("#code", "HELLO")
	b.Click("#code-form button[type=submit]")
	b.Says("#codes .tag", "applied")
	b.Says("[data-total=item_discount]", "$2.90")
	b.Says("[data-total=shipping_subtotal]", "$4.50")

	confirmAsGuest(b, foundersBuyer, "#newsletter")
	payOnPage(b, goodCard)
	f.order = orderShown(b)
	b.Says("[data-total=total]", "$30.60")
}

// sends ships the parcel.
func (f *founder) sends() {
	f.Helper()
	f.shop.Eventually(browsertest.Timeout, "the guide knows that mails leave: the buyer has one", func() bool {
		f.tab.Follow(`.side a[href="/"]`)
		f.tab.Until("the home page is there", `location.pathname === '/' && document.readyState === 'complete'`)
		return strings.Contains(f.tab.Text(".guide"), "4 of 8 done")
	})
	f.tab.Follow(`.side a[href="/orders"]`)
	f.opens("tbody a", f.order)
	f.tab.At("/orders/" + f.order)
	f.tab.Visible(".head [data-key=s]")
	f.tab.Click(".head [data-key=s]")
	f.tab.Fill("#form-tracking", "9400 1000 0000 0000 0000 00")
	f.tab.Click("#form button")
	f.tab.Says(".notice", "The customer is told")
	f.hears(foundersBuyer, 2, "9400")
}

// writesToAll sends a newsletter, to which the buyer subscribed.
func (f *founder) writesToAll() {
	f.Helper()
	f.opens(".side a", "Campaigns")
	f.tab.Visible("#new-name")
	f.tab.Fill("#new-name", "Hello")
	f.tab.Click("#new button")
	f.tab.Visible("#campaign-subject")
	f.tab.Fill("#campaign-subject", "Aprons are here",
		"#campaign-body_text", "Hello {recipient_first_name},\n\nthe first aprons are here: {shop_link}\n\nNo more? {unsubscribe_link}",
		"#campaign-body_html",
		`<p>The first <a href="{shop_link}">aprons</a> are here.</p><p><a href="{unsubscribe_link}">No more</a></p>`)
	f.tab.Eval(`document.querySelector('#campaign-audience').value = 'both'`)
	f.tab.Click("#campaign button.primary")
	f.tab.Says(".notice", "Saved")
	f.tab.Says(`.panel[aria-label="Receivers"]`, "goes to 1 person")
	f.tab.Click("#start button")
	f.tab.Says(".notice", "Started, to 1 receiver")
	f.hears(foundersBuyer, 3, "the first aprons are here")
}

// readsFigures finds the purchase, and the visit that led to it, in the reports.
func (f *founder) readsFigures() {
	f.Helper()
	f.shop.Eventually(2*browsertest.Timeout, "the report knows the purchase", func() bool {
		f.tab.Follow(`.side a[href="/reports"]`)
		f.tab.Until("the report is there", `location.pathname === '/reports' && document.readyState === 'complete'`)
		figures := f.tab.Text(".figures")
		return strings.Contains(figures, "30.60") && strings.Contains(figures, "100 %")
	})
}
