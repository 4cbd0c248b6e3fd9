package order

import (
	"encoding/binary"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/services/order/productfile"
)

// inUTF16 is a text in the encoding in which spreadsheets save "Unicode text".
func inUTF16(text string, order binary.ByteOrder) string {
	var file []byte
	put := func(unit uint16) {
		var two [2]byte
		order.PutUint16(two[:], unit)
		file = append(file, two[:]...)
	}
	put(0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		put(unit)
	}
	return string(file)
}

// savedAgain is a CSV file saved by a spreadsheet that has other separators, ends of lines and
// decimal points.
func savedAgain(t *testing.T, file string, comma rune, end string, quoted bool, point string) string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}

	var out strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			if name := rows[0][i]; n > 0 && strings.HasPrefix(name, "price") {
				cell = strings.Replace(cell, ".", point, 1)
			} else if n > 0 && name == string(productfile.Code) {
				cell = strings.TrimLeft(cell, "0")
			}
			if i > 0 {
				out.WriteRune(comma)
			}
			if quoted || strings.ContainsAny(cell, "\n\"'"+string(comma)) {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			out.WriteString(cell)
		}
		out.WriteString(end)
	}
	return out.String()
}

// A file of the shop that a spreadsheet has saved again, in whatever way, changes nothing.
func TestFilesResavedBySpreadsheetsChangeNothing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.browser(adminui.Owner)
	e.Exec(`UPDATE product SET headline = '=SUM(A1); -b', description_part_1 = E'Of wool:\n\n- warm, and "soft"\n- \u00fcber; +1 \U0001F9F6'
		WHERE id = 1`)
	e.Exec(`UPDATE product SET description_part_2 = E' two\tthree\r\nfour ' WHERE id = 3`)
	e.Exec(`UPDATE sku SET stock = -3, back_order = true, code = '00123', weight_grams = 1250 WHERE id = 1`)

	for _, kind := range productfile.Kinds {
		file := owner.Get("/staff/catalog/export/" + kind.Name + ".csv").Body
		for name, again := range map[string]string{
			"semicolons, comma before the cents": "\ufeff" + savedAgain(t, file, ';', "\r\n", false, ","),
			"all quoted":                         savedAgain(t, file, ',', "\r\n", true, "."),
			"told what separates":                "sep=;\r\n" + savedAgain(t, file, ';', "\r\n", false, "."),
			"Unicode text":                       inUTF16(savedAgain(t, file, '\t', "\r\n", false, ","), binary.LittleEndian),
			"the other Unicode text":             inUTF16(savedAgain(t, file, ';', "\n", true, ","), binary.BigEndian),
		} {
			if page := owner.Get(bring(owner, again)); page.Status != http.StatusOK ||
				!strings.Contains(page.Body, "The shop already has all of this") {
				t.Errorf("%s, %s: %s", kind.Name, name, page)
			}
		}
	}

	old := bring(owner, "sku;price\r1;1.234,50\r4;$7,5\r")
	owner.Post(old + "/apply").Has(http.StatusSeeOther)
	if got := e.Text(`SELECT string_agg(price_cents::text, ' ' ORDER BY id) FROM sku_any WHERE id IN (1, 4)`); got != "123450 750" {
		t.Errorf("prices: %s", got)
	}
}
