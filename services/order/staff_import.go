package order

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/productfile"
)

// staffImportsPage is the page for importing and exporting files.
type staffImportsPage struct {
	Imports []catalogImport  `json:"imports"` // the latest first
	Kinds   []adminui.Option `json:"-"`
	Refused string           `json:"error,omitempty"`
}

// maxImports is how many files are shown.
const maxImports = 30

// staffImports shows the files that were imported lately.
func (s *server) staffImports(r *http.Request) (adminui.Answer, error) {
	return s.importsPage(r, "", http.StatusOK)
}

func (s *server) importsPage(r *http.Request, refused string, status int) (adminui.Answer, error) {
	list, err := listImports(r.Context(), s.pool, maxImports)
	return adminui.Page{Title: "Products from files", Template: "imports.html", Status: status,
		Data: staffImportsPage{Imports: list, Kinds: fileKindOptions(), Refused: refused}}, err
}

// staffCreateImport checks a file against the catalog and shows what it would change. Nothing is
// changed yet.
func (s *server) staffCreateImport(r *http.Request) (adminui.Answer, error) {
	if err := r.ParseMultipartForm(adminui.MaxUpload); err != nil {
		return nil, web.BadRequest("file")
	}
	defer r.MultipartForm.RemoveAll() //nolint:errcheck // files of the temporary folder
	files := r.MultipartForm.File["file"]
	if len(files) == 0 || files[0].Size == 0 {
		return s.importsPage(r, "Choose a file first.", http.StatusUnprocessableEntity)
	}
	if size := files[0].Size; size > productfile.MaxBytes {
		return s.importsPage(r, fmt.Sprintf("%s has %.1f MB; the limit is %d MB.", fileName(files[0].Filename),
			math.Ceil(float64(size)/(1<<20)*10)/10, productfile.MaxBytes>>20), http.StatusUnprocessableEntity)
	}
	body, err := readUpload(files[0], productfile.MaxBytes)
	if err != nil {
		return nil, err
	}
	plan, err := checkFile(r.Context(), s.pool, body)
	if err != nil {
		return nil, err
	}

	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(body); err != nil {
		return nil, fmt.Errorf("pack a file: %w", err)
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("pack a file: %w", err)
	}
	id, err := s.keepImport(r, fileName(files[0].Filename), packed.Bytes(), plan.summary())
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: "/catalog/import/" + web.ID(id)}, nil
}

// checkFile compares a file with the catalog. A difference of a count that was already applied is
// an error, also in a file that a spreadsheet has saved again.
func checkFile(ctx context.Context, db pg.DB, body []byte) (*importPlan, error) {
	index, err := readCatalogIndex(ctx, db)
	if err != nil {
		return nil, err
	}
	plan := planImport(productfile.Read(body), index)
	applied, err := appliedCounts(ctx, db, plan.differs)
	if err != nil {
		return nil, err
	}
	for _, one := range plan.differs {
		if at, again := applied[one.SKU]; again {
			plan.fault(one.row, productfile.Stock, fmt.Sprintf("A file applied at %s already changed this from %d to "+
				"%d. Export the counts again.", at.UTC().Format("2006-01-02 15:04 UTC"), one.Was,
				one.Count))
		}
	}
	return plan, nil
}

// keepImport stores a file that was checked, and records it.
func (s *server) keepImport(r *http.Request, name string, packed []byte, sum importSummary) (id int64, err error) {
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if id, err = insertImport(r.Context(), tx, name, packed, sum, adminui.Who(r)); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogPrice, Kind: "catalog-file",
			Key: web.ID(id), Text: "Checked the file " + name,
			After: map[string]any{"rows": sum.Rows, "errors": len(sum.Faults) + sum.MoreFaults}})
	})
	return id, err
}

// importFromPath reads the file that the path names.
func (s *server) importFromPath(r *http.Request) (catalogImport, error) {
	id, err := adminui.ParamID(r, "import")
	if err != nil {
		return catalogImport{}, err
	}
	return web.OrNotFound(findImport(r.Context(), s.pool, id, false))
}

// CanApply reports whether a file has no errors and was not applied yet.
func (c catalogImport) CanApply() bool {
	return c.State == "checked" && len(c.Body) > 0 && len(c.Summary.Faults) == 0
}

// Nothing reports whether a file would change nothing.
func (c catalogImport) Nothing() bool {
	s := c.Summary
	return s.NewProducts+s.Products+s.NewSKUs+s.SKUs == 0
}

// Badge is the file's state.
func (c catalogImport) Badge() adminui.Badge {
	switch {
	case c.State == "applied":
		return adminui.Badge{Text: "applied", Tone: "good"}
	case c.State == "undone":
		return adminui.Badge{Text: "taken back"}
	case len(c.Summary.Faults) > 0:
		return adminui.Badge{Text: "has errors", Tone: "bad"}
	}
	return adminui.Badge{Text: "checked", Tone: "warn"}
}

// Facts are the changes of a file, in numbers.
func (c catalogImport) Facts() []adminui.Detail {
	s := c.Summary
	facts := []adminui.Detail{{Label: "Rows", Value: s.Rows}, {Label: "New products", Value: s.NewProducts},
		{Label: "Changed products", Value: s.Products}, {Label: "New SKUs", Value: s.NewSKUs},
		{Label: "Changed SKUs", Value: s.SKUs}, {Label: "Prices", Value: s.Prices}, {Label: "Counts", Value: s.Counts},
		{Label: "Weights", Value: s.Weights}}
	if s.Pictures > 0 {
		facts = append(facts, adminui.Detail{Label: "Pictures", Value: s.Pictures})
	}

	if s.Sales > 0 {
		facts = append(facts, adminui.Detail{Label: "Sale prices, without end", Value: s.Sales})
	}
	if s.Shopify {
		facts = append(facts, adminui.Detail{Label: "Kind", Value: "product export of Shopify"})
	}
	if s.Retired != nil && s.Retired.Products > 0 {
		facts = append(facts, adminui.Detail{Label: "Products retired, not deleted", Value: s.Retired.Products})
	}

	if s.Retired != nil && s.Retired.SKUs > 0 {
		facts = append(facts, adminui.Detail{Label: "SKUs retired, not deleted", Value: s.Retired.SKUs})
	}
	if len(s.Ignored) > 0 {
		facts = append(facts, adminui.Detail{Label: "Columns left out", Value: strings.Join(s.Ignored, ", ")})
	}
	return facts
}

// staffImport shows what a file would change, or has changed.
func (s *server) staffImport(r *http.Request) (adminui.Answer, error) {
	file, err := s.importFromPath(r)
	if err != nil {
		return nil, err
	}
	file.Fetches, err = readFileFetches(r.Context(), s.pool, file.ID)
	return importPage(file, http.StatusOK), err
}

func importPage(file catalogImport, status int) adminui.Page {
	return adminui.Page{Title: "File " + file.File, Template: "import.html", Data: file, Status: status}
}

// staffApplyImport stores all changes of a file, or none. The file is compared with the catalog
// again, because others may have changed it since the check.
func (s *server) staffApplyImport(r *http.Request) (adminui.Answer, error) {
	file, err := s.importFromPath(r)
	if err != nil {
		return nil, err
	}
	to := "/catalog/import/" + web.ID(file.ID)
	var plan *importPlan
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		plan, err = applyFile(r, tx, file.ID)
		return err
	})
	switch {
	case errors.Is(err, errNotApplied):
		return adminui.Done{To: to, Text: "It was already applied, or has expired."}, nil
	case errors.Is(err, errFileFaults):
		file.Summary = plan.summary()
		return importPage(file, http.StatusConflict), nil
	case err != nil:
		return nil, err
	}
	s.catalogChanged()
	wait.Wake(s.fetchWork)
	return adminui.Done{To: to, Text: "Applied."}, nil
}

// staffFetchImportMedia has the pictures of a file that could not be fetched fetched again.
func (s *server) staffFetchImportMedia(r *http.Request) (adminui.Answer, error) {
	file, err := s.importFromPath(r)
	if err != nil {
		return nil, err
	}
	return s.fetchAgain(r, "/catalog/import/"+web.ID(file.ID), file.ID, 0,
		adminui.Act{Kind: "catalog-file", Key: web.ID(file.ID)})
}

// fetchAgain has pictures of a file or a product fetched again, and records it.
func (s *server) fetchAgain(r *http.Request, to string, file, product int64, act adminui.Act) (adminui.Answer, error) {
	var n int64
	err := s.outbox.Tx(r.Context(), func(tx pgx.Tx) (err error) {
		if n, err = fetchAgain(r.Context(), tx, file, product); err != nil || n == 0 {
			return err
		}
		act.Action, act.Text = adminui.CatalogEdit, fmt.Sprintf("Had %d pictures fetched again", n)
		return adminui.Record(r, tx, act)
	})
	if err != nil {
		return nil, err
	}
	wait.Wake(s.fetchWork)
	return adminui.Done{To: to, Text: fmt.Sprintf("Fetching %d again.", n)}, nil
}

var (
	errNotApplied = errors.New("the file cannot be applied")
	errFileFaults = errors.New("the file has errors")
)

// applyFile applies a file in a transaction.
func applyFile(r *http.Request, tx pgx.Tx, id int64) (*importPlan, error) {
	ctx := r.Context()
	if err := lockImports(ctx, tx); err != nil {
		return nil, err
	}
	file, found, err := findImport(ctx, tx, id, true)
	if err != nil {
		return nil, err
	}
	if !found || file.State != "checked" || len(file.Body) == 0 {
		return nil, errNotApplied
	}

	packed, err := gzip.NewReader(bytes.NewReader(file.Body))
	if err != nil {
		return nil, fmt.Errorf("unpack file %d: %w", id, err)
	}
	body, err := io.ReadAll(packed)
	if err != nil {
		return nil, fmt.Errorf("unpack file %d: %w", id, err)
	}
	plan, err := checkFile(ctx, tx, body)
	if err != nil {
		return nil, err
	}
	if len(plan.file.Faults) > 0 {
		return plan, errFileFaults
	}
	undo, err := storePlan(ctx, tx, plan, adminui.Who(r))
	if err != nil {
		return nil, err
	}

	if err := queueFetches(ctx, tx, id, plan); err != nil {
		return nil, err
	}
	if err := noteApplied(ctx, tx, id, plan.summary(), undo, plan.differs); err != nil {
		return nil, err
	}
	if err := adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogPrice, Kind: "catalog-file",
		Key: web.ID(id), Text: "Applied the file " + file.File, After: plan.summary()}); err != nil {
		return nil, err
	}

	return plan, changeSKUsOf(ctx, tx, plan, adminui.Who(r))
}

// staffUndoImport takes a file back.
func (s *server) staffUndoImport(r *http.Request) (adminui.Answer, error) {
	file, err := s.importFromPath(r)
	if err != nil {
		return nil, err
	}

	done := "Taken back, except for later changes."
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if err := lockImports(r.Context(), tx); err != nil {
			return err
		}
		now, found, err := findImport(r.Context(), tx, file.ID, true)
		if err != nil {
			return err
		}
		if !found || !now.CanUndo {
			done = "It can no longer be taken back."
			return nil
		}
		if err := undoPlan(r.Context(), tx, now.Before, adminui.Who(r)); err != nil {
			return err
		}
		kept, err := noteUndone(r.Context(), tx, file.ID, now.Before)
		if err != nil {
			return err
		}
		done += kept.says()
		return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogPrice, Kind: "catalog-file",
			Key: web.ID(file.ID), Text: "Took back the file " + file.File, After: kept})
	})
	if err != nil {
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: "/catalog/import/" + web.ID(file.ID), Text: done}, nil
}

// says describes what is retired instead of deleted.
func (k importKept) says() string {
	var list []string
	for _, one := range []struct {
		n    int64
		what string
	}{{k.Products, "product"}, {k.SKUs, "SKU"}} {
		if one.n == 1 {
			list = append(list, "1 "+one.what)
		} else if one.n > 1 {
			list = append(list, fmt.Sprintf("%d %ss", one.n, one.what))
		}
	}
	switch {
	case len(list) == 0:
		return ""
	case k.Products+k.SKUs == 1:
		return " " + list[0] + " of it was sold, or is on a payment page: it is retired, not deleted."
	}
	return " " + strings.Join(list, " and ") + " of it were sold, or are on a payment page: " +
		"they are retired, not deleted."
}

// staffTemplate is an empty file of a kind, with a row that shows what belongs where.
func (s *server) staffTemplate(r *http.Request) (adminui.Answer, error) {
	example := productfile.Item{Address: "OakDesk", Title: "Oak desk", Headline: "Room for two.",
		Text: "Solid **oak**.", State: "draft", Code: "OAK-1", Color: "Natural", Size: "160 cm", StockState: "in-stock",
		Price: new(int64(24900)), Stock: new(int32(12)), Grams: new(int32(38000))}
	return exportFile(r, "template-", func() ([]productfile.Item, error) { return []productfile.Item{example}, nil })
}

// staffExport is a file with all products that are not retired.
func (s *server) staffExport(r *http.Request) (adminui.Answer, error) {
	return exportFile(r, "", func() ([]productfile.Item, error) {
		return exportCatalog(r.Context(), s.pool, adminui.Param(r, "kind") != "products")
	})
}

// exportFile writes rows as a file of the kind that the path names.
func exportFile(r *http.Request, prefix string, rows func() ([]productfile.Item, error)) (adminui.Answer, error) {
	for _, kind := range productfile.Kinds {
		if kind.Name != adminui.Param(r, "kind") {
			continue
		}
		list, err := rows()
		if err != nil {
			return nil, err
		}
		return adminui.Raw(func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/csv; charset=utf-8")
			w.Header().Set("Content-Disposition", `attachment; filename="`+prefix+kind.Name+`.csv"`)
			return productfile.Write(w, kind, list)
		}), nil
	}
	return nil, web.NotFound()
}
