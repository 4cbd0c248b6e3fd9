package productfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/services/order/productfile"
)

// A written file is read back unchanged, including values that a spreadsheet could take for
// formulas.
func TestFilesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	clip := productfile.Item{Product: "bSusp6dBHm", Address: "PaperClips", Title: `Paper "clips"`, Headline: "=SUM(A1)", Text: "a\nb",
		State: "draft", Collections: "desk filing", SKU: new(int64(7)), Code: "00123", Color: "Silver", StockState: "in-stock",
		Price: new(int64(350)), Stock: new(int32(-3)), BackOrder: true, Grams: new(int32(12))}
	fresh := clip
	fresh.SKU = nil
	for kind, want := range map[string]string{
		"products": "product,address,title,headline,text,more_text,state,collections",
		"skus": "product,sku,article_number,option_1,option_2,sku_text,price,price_was,pieces,pieces_was,stock_state,back_orders," +
			"grams,grams_was",
		"prices": "sku,article_number,product,option_1,option_2,price,price_was",
		"stock":  "sku,article_number,product,option_1,option_2,pieces,pieces_was",
	} {
		var out strings.Builder
		for _, k := range productfile.Kinds {
			if k.Name != kind {
				continue
			}
			if err := productfile.Write(&out, k, []productfile.Item{clip, fresh}); err != nil {
				t.Fatal(err)
			}
		}

		if head, _, _ := strings.Cut(out.String(), "\n"); strings.TrimSuffix(head, "\r") != want {
			t.Errorf("%s has the columns %s, want %s", kind, head, want)
		}
		f := productfile.Read([]byte(out.String()))
		if len(f.Faults) > 0 || len(f.Rows) != 2 || f.Shopify {
			t.Fatalf("%s: %d rows, %v", kind, len(f.Rows), f.Faults)
		}

		head := "," + want + ","
		for column, value := range map[productfile.Column]string{productfile.Product: "bSusp6dBHm", productfile.Title: `Paper "clips"`,
			productfile.Headline: "=SUM(A1)", productfile.Text: "a\nb", productfile.SKU: "7", productfile.Code: "00123",
			productfile.Price: "3.50", productfile.PriceWas: "3.50", productfile.Stock: "-3", productfile.StockWas: "-3",
			productfile.BackOrders: "yes", productfile.Grams: "12", productfile.GramsWas: "12"} {
			if !strings.Contains(head, ","+string(column)+",") {
				value = ""
			}
			if got := f.Rows[0].Value(column); got != value {
				t.Errorf("%s, %s: %q, want %q", kind, column, got, value)
			}
		}

		for _, was := range []productfile.Column{productfile.PriceWas, productfile.StockWas, productfile.GramsWas} {
			if got := f.Rows[1].Value(was); got != "" {
				t.Errorf("%s, %s: %q of a SKU that the shop does not have", kind, was, got)
			}
		}
	}
}

// Errors in a file are reported with line and column, as the file names it.
func TestFaultsNameLineAndColumn(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"": "1: The file has no columns.",
		"a,b\n1,2\n": "1: No column says which product or SKU a row is about: product, address, sku or " +
			"article_number.",
		"SKU,sku\n":                            "1sku: The column appears twice.",
		"product,Title\nx,\"a\nb\"\ny,\xfc\n":  "4Title: This is not UTF-8 text. Save the file as “CSV UTF-8”.",
		"sku\n1,2\n":                           "2: The row has more values than the file has columns.",
		"sku\n\"1\n":                           "2: This is not CSV: extraneous or missing \" in quoted-field.",
		"sku\n1" + strings.Repeat(",", 200):    "2: A row has at most 200 values.",
		"Handle,Variant Price\nhat,1.00\n,,\n": "",
	} {
		t.Run(want, func(t *testing.T) {
			var got []string
			for _, fault := range productfile.Read([]byte(file)).Faults {
				got = append(got, fmt.Sprint(fault.Line, fault.Column, ": ", fault.Text))
			}
			if strings.Join(got, "\n") != want {
				t.Errorf("%.40q: %q, want %q", file, got, want)
			}
		})
	}

	f := productfile.Read([]byte("Handle,Variant Price\nhat,x\n"))
	f.AddFault(f.Rows[0], productfile.Price, "An amount.")
	if len(f.Faults) != 1 || f.Faults[0] != (productfile.Fault{Line: 2, Column: "Variant Price", Text: "An amount."}) {
		t.Errorf("%v", f.Faults)
	}

	for range productfile.MaxFaults + 6 {
		f.AddFault(f.Rows[0], "", "It is wrong.")
	}
	if len(f.Faults) != productfile.MaxFaults || f.MoreFaults != 7 {
		t.Errorf("%d errors, %d more", len(f.Faults), f.MoreFaults)
	}
}

// Shopify's terms become the shop's.
func TestReadShopifyExport(t *testing.T) {
	t.Parallel()
	f := productfile.Read([]byte("Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Grams," +
		"Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price," +
		"Status,Published\n" +
		"tea,Tea,<p>Green &amp; <b>mild</b>.</p><ul><li>Leaves</li></ul>,Us,Title,Default Title,'00471,226.796," +
		"shopify,-4,deny,8.00,10.00,active,true\n" +
		"mug,Mug,,Us,Color,Red,MUG,0.0,,7,continue,9.00,,active,false\n"))
	if !f.Shopify || len(f.Faults) > 0 || len(f.Rows) != 2 || strings.Join(f.Ignored, " ") != "vendor" {
		t.Fatalf("%+v", f)
	}
	for column, want := range map[productfile.Column][2]string{
		productfile.Address: {"tea", "mug"}, productfile.Text: {"Green & mild.\n\n- Leaves", ""},
		productfile.ColorName: {"", "Color"}, productfile.Color: {"", "Red"}, productfile.Code: {"00471", "MUG"},
		productfile.Grams: {"227", ""}, productfile.Stock: {"0", ""}, productfile.BackOrders: {"no", "yes"},
		productfile.Price: {"8.00", "9.00"}, productfile.ComparePrice: {"10.00", ""}, productfile.State: {"published", "draft"},
	} {
		if got := [2]string{f.Rows[0].Value(column), f.Rows[1].Value(column)}; got != want {
			t.Errorf("%s: %q, want %q", column, got, want)
		}
	}
}

// Amounts and weights are read in the notations of spreadsheets; ambiguous ones are refused.
func TestParseNumbersOfSpreadsheets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"3.5": "3.50", "3,50": "3.50", "3,5": "3.50", "1,234.50": "1234.50", "1.234,5": "1234.50",
		"$3.50": "3.50", "3,50\u00a0": "3.50", "12": "12.00", "1,234": "", "1.234": "", "1,23,4.50": "", "12,34.50": "", "3,": "", ",5": "",
		"1e2": "", "3.50 €": "", "": "", "-3,50": "-3.50"} {
		t.Run("amount "+text, func(t *testing.T) {
			got := ""
			if amount, err := productfile.ParseAmount(text); err == nil {
				got = amount.String()
			}
			if got != want {
				t.Errorf("%q is %q, want %q", text, got, want)
			}
		})
	}

	for text, want := range map[string]int64{"250": 250, "250 g": 250, "1.5kg": 1500, "1,5 KG": 1500, "0.125 kg": 125, "2 lb": 907, "2lbs": 907,
		"12 oz": 340, "0": 0, "12.6": 13, "10000 kg": 10_000_000, "1,500": -1, "1.500 g": -1, "-1": -1, "1e3": -1, "x": -1, "250s": -1,
		"1 stone": -1, "": -1, ".5 kg": -1, "NaN": -1, "999999999 kg": 999_999_999_000, "9999999999": -1} {
		t.Run("weight "+text, func(t *testing.T) {
			got, ok := productfile.ParseGrams(text)
			if !ok {
				got = -1
			}
			if got != want {
				t.Errorf("%q weighs %d, want %d", text, got, want)
			}
		})
	}
}
