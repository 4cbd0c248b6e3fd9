package user

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// importedColumns are the columns that an import may have; email must be one.
var importedColumns = []string{"email", "first_name", "last_name", "phone", "unsubscribed", "prospect_comment"}

// ignoredColumns are the other columns of our own lists, which an import ignores.
var ignoredColumns = []string{"pr_cd", "swa_comment", "created", "converted"}

// importProspects adds the people of a CSV file: all of them or, if a line is wrong, none.
// Prospects and members who are known already, in whatever case the address is written, stay as
// they are, except that the list can take them off newsletters.
func importProspects(ctx context.Context, pool *pgxpool.Pool, file string, out io.Writer) error {
	raw, err := os.ReadFile(file) //nolint:gosec // the caller's own file
	if err != nil {
		return fmt.Errorf("read the list: %w", err)
	}

	list, wrong, err := readProspects(raw)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		texts := make([]string, len(wrong))
		for i, w := range wrong {
			texts[i] = fmt.Sprintf("line %d: %s", w.Line, w.Text)
		}
		return fmt.Errorf("nothing was imported: %s", strings.Join(texts, "; "))
	}

	added := 0
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) (err error) {
		added, err = importList(ctx, tx, list)
		return err
	})
	if err != nil {
		return err
	}
	return say(out, "Prospects added: %d, known before: %d.", added, len(list)-added)
}

// importProspect adds one person, unless the address is a member's or a prospect's. event tells
// other services about the prospect.
func importProspect(ctx context.Context, tx pgx.Tx, n newProspect,
	member bool) (event msg.Message, made bool, err error) {
	if n.Refused {
		if err := heedRefusal(ctx, tx, n.Email); err != nil {
			return event, false, err
		}
	}
	if member {
		return event, false, nil
	}
	p, made, err := addProspect(ctx, tx, n)
	if err != nil || !made {
		return event, false, err
	}
	if n.Subscribed {
		err = insertConsents(ctx, tx, consent{
			ProspectID: p.ID,
			What:       "newsletter",
			Given:      true,
			Source:     "import by staff",
		})
	}
	return p.event(), true, err
}

// heedRefusal takes known people off the newsletters that they refuse according to an imported
// list.
func heedRefusal(ctx context.Context, tx pgx.Tx, address string) error {
	const source = "import by staff"
	accounts, err := refusedMembers(ctx, tx, address)
	if err != nil {
		return err
	}
	prospects, err := refusedProspects(ctx, tx, address)
	if err != nil {
		return err
	}

	events := prospectEvents(prospects)
	var consents []consent
	for _, p := range prospects {
		consents = append(consents, consent{ProspectID: p.ID, What: "marketing-mail", Source: source})
	}
	for _, a := range accounts {
		consents = append(consents, consent{MemberID: a.ID, What: "marketing-mail", Source: source})
		events = append(events, a.event(msg.UserPreferencesChanged))
	}

	if err := insertConsents(ctx, tx, consents...); err != nil {
		return err
	}
	return bus.Enqueue(ctx, tx, events...)
}

// lineError is what is wrong with a line of a list. Its text names the column.
type lineError struct {
	Line int    `json:"line"`
	Text string `json:"error"`
}

// readProspects reads a list as spreadsheets save it, and names every line that is wrong.
func readProspects(raw []byte) (list []newProspect, wrong []lineError, err error) {
	text, err := listText(raw)
	if err != nil {
		return nil, nil, err
	}

	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.FieldsPerRecord = separator(text), -1
	in.TrimLeadingSpace = in.Comma != '\t' // a blank before a quote; a tab would be trimmed, too
	header, err := in.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("read the list's first line: %w", err)
	}
	if err := readHeader(header); err != nil {
		return nil, nil, err
	}

	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok {
			wrong = append(wrong, lineError{broken.StartLine, broken.Err.Error()})
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the list: %w", err)
		}
		if !slices.ContainsFunc(row, func(cell string) bool { return trim(cell) != "" }) {
			continue // spreadsheets save empty lines that were used once
		}
		n, err := readProspect(header, row)
		if err != nil {
			line, _ := in.FieldPos(0)
			wrong = append(wrong, lineError{line, err.Error()})
			continue
		}
		list = append(list, n)
	}

	return noWins(list), wrong, nil
}

// listText is a list as UTF-8 with line breaks that csv knows. Spreadsheets begin files with a byte
// order mark, and some save UTF-16.
func listText(raw []byte) (string, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	}

	text := string(bytes.TrimPrefix(raw, []byte("\ufeff")))
	if order != nil {
		if len(raw)%2 != 0 {
			return "", errors.New("read the list: it ends in the middle of a character")
		}
		units := make([]uint16, 0, len(raw)/2)
		for i := 2; i < len(raw); i += 2 {
			units = append(units, order.Uint16(raw[i:]))
		}
		text = string(utf16.Decode(units))
	}

	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, nil
}

// separator is the character between the columns: spreadsheets take semicolons where the comma is
// the decimal sign.
func separator(text string) rune {
	first, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, c := range ";\t" {
		if strings.Count(first, string(c)) > strings.Count(first, string(best)) {
			best = c
		}
	}
	return best
}

// trim removes the blanks around a cell, including those of word processors and byte order marks.
func trim(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool {
		return r == '\ufeff' || r == '\u200b' ||
			strings.TrimSpace(string(r)) == ""
	})
}

// readHeader normalizes the names of columns: case and blanks do not count. A column without a name
// is left over from a spreadsheet.
func readHeader(header []string) error {
	seen := map[string]bool{}
	for i, cell := range header {
		name := strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(trim(cell)), "_", " ")), "_")
		if name != "" && !slices.Contains(importedColumns, name) && !slices.Contains(ignoredColumns, name) {
			return fmt.Errorf("unknown column %q, the columns are %s", cell, strings.Join(importedColumns, ", "))
		}
		if name != "" && seen[name] {
			return fmt.Errorf("there are two columns %s", name)
		}
		header[i], seen[name] = name, true
	}
	if !seen["email"] {
		return errors.New("there is no column email")
	}
	return nil
}

// readProspect reads one line. It subscribes a person only if the line says that they are not
// unsubscribed.
func readProspect(header, row []string) (newProspect, error) {
	n := newProspect{Note: "Imported by staff.", Source: sourceImport}
	limits := map[string]int{"first_name": maxFirstName, "last_name": maxLastName, "phone": maxPhone,
		"prospect_comment": maxText}

	for i, cell := range row {
		if cell = trim(cell); i >= len(header) || header[i] == "" {
			if cell != "" {
				return newProspect{}, fmt.Errorf("cell %d is below no column name", i+1)
			}
			continue
		}
		if !utf8.ValidString(cell) || strings.ContainsRune(cell, 0) {
			return newProspect{}, fmt.Errorf("%s is not UTF-8 text: save the list in that encoding", header[i])
		}
		cell = armed(cell)
		if limit := limits[header[i]]; limit > 0 && utf8.RuneCountInString(cell) > limit {
			return newProspect{}, fmt.Errorf("%s is longer than %d characters", header[i], limit)
		}

		switch header[i] {
		case "email":
			n.Email = normalEmail(cell)
		case "first_name":
			n.FirstName = cell
		case "last_name":
			n.LastName = cell
		case "phone":
			n.Phone = cell
		case "prospect_comment":
			n.Comment = cell
		case "unsubscribed":
			said := strings.ToLower(cell)
			if said != "" && said != "true" && said != "false" {
				return newProspect{}, errors.New("unsubscribed is neither true nor false")
			}
			n.Subscribed, n.Refused = said == "false", said == "true"
		}
	}

	if len(checkEmail(n.Email)) > 0 {
		return newProspect{}, errors.New("email is not an address")
	}
	return n, nil
}

// armed removes the apostrophe by which our own lists keep a spreadsheet from reading a cell as a
// formula.
func armed(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && rest != "" && strings.ContainsRune("=+-@", rune(rest[0])) {
		return rest
	}
	return cell
}

// noWins subscribes a person who is in a list more than once, in whatever case, only if every line
// says so, and refuses newsletters for them if one line does.
func noWins(list []newProspect) []newProspect {
	subscribed, refused := map[string]bool{}, map[string]bool{}
	for _, n := range list {
		key := email.Key(n.Email)
		before, seen := subscribed[key]
		subscribed[key] = n.Subscribed && (before || !seen)
		refused[key] = refused[key] || n.Refused
	}
	for i, n := range list {
		key := email.Key(n.Email)
		list[i].Subscribed, list[i].Refused = subscribed[key], refused[key]
	}
	return list
}
