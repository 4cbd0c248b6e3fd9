package order

import (
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// discount is a code as staff see it.
type discount struct {
	ID           int64       `json:"id"`
	Code         string      `json:"code"`
	Description  string      `json:"description"`
	TypeID       int64       `json:"type_id"`
	TypeTitle    string      `json:"type"`
	AppliesTo    string      `json:"applies_to"`
	Action       string      `json:"action"`
	Amount       money.Cents `json:"amount"` // percent, dollars or months, with two decimals
	Starts       time.Time   `json:"starts"`
	Ends         time.Time   `json:"ends,omitzero"` // zero: it does not end
	OrderMinimum money.Cents `json:"order_minimum"`
	Combinable   bool        `json:"combinable"`
	MaxUses      *int        `json:"max_uses"`
	MaxPerPerson *int        `json:"max_uses_per_person"`
	Uses         int         `json:"uses"` // including those that unpaid checkouts hold
	BatchID      *int64      `json:"batch_id,omitempty"`
	BatchName    string      `json:"batch,omitempty"`
	Restricted   bool        `json:"restricted"` // it is for Collections and SKUs only
	Collections  []int64     `json:"collections,omitempty"`
	SKUs         []int64     `json:"skus,omitempty" db:"skus"`
	Version      int         `json:"version"`
	ChangedAt    time.Time   `json:"changed_at"`
	ChangedBy    string      `json:"changed_by"`
}

// The states of a code.
const (
	discountActive    = "active"
	discountScheduled = "scheduled"
	discountEnded     = "ended"
	discountUsedUp    = "used-up"
)

// state is what a code is at a moment.
func (d discount) state(now time.Time) string {
	switch {
	case !d.Ends.IsZero() && now.After(d.Ends):
		return discountEnded
	case d.MaxUses != nil && d.Uses >= *d.MaxUses:
		return discountUsedUp
	case now.Before(d.Starts):
		return discountScheduled
	}
	return discountActive
}

// gives describes the effect of a code in a few words.
func (d discount) gives() string {
	text := d.TypeTitle
	switch d.Action {
	case actionPercent:
		text = short(d.Amount) + "% off"
	case actionAmount:
		text = d.Amount.String() + " off"
	case actionShipping:
		text = "Free USPS Retail Ground"
	case actionMonths:
		text = short(d.Amount) + " months free"
	}
	if d.Restricted {
		text += ", some items"
	}
	if d.void() {
		text += ": takes nothing off, as it is combinable"
	}
	return text
}

// void reports whether a code can take nothing off: totals ignore combinable codes on items, as old
// clients expect. No new ones are made.
func (d discount) void() bool { return d.AppliesTo == "item_total" && d.Combinable }

// The actions of the types of codes.
const (
	actionPercent  = "percent-off"
	actionAmount   = "dollar-amt-off"
	actionShipping = "free-usps-ground-shipping"
	actionMonths   = "free-digital-months"
)

// short is an amount without decimals that are zero: 10 for 10.00, 12.5 for 12.50.
func short(c money.Cents) string {
	return strings.TrimSuffix(strings.TrimRight(c.String(), "0"), ".")
}

// applied is the code as it would be on a cart with these SKUs of its scope, within all its limits.
func (d discount) applied(only []int64) appliedCode {
	end := d.Ends
	if end.IsZero() {
		end = farEnd
	}
	return appliedCode{
		ID:            d.ID,
		Code:          d.Code,
		Description:   d.Description,
		Combinable:    d.Combinable,
		Amount:        d.Amount,
		OrderMinimum:  d.OrderMinimum,
		TypeTitle:     d.TypeTitle,
		AppliesTo:     d.AppliesTo,
		Action:        d.Action,
		StartDateTime: d.Starts,
		EndDateTime:   end,
		Left:          true,
		Only:          only,
	}
}

// farEnd is the end that clients are told for a code without one.
var farEnd = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// discountType is a kind of discount.
type discountType struct {
	ID                                    int64
	Title, Description, AppliesTo, Action string
}

// discountBatch are codes that were made together.
type discountBatch struct {
	ID     int64     `json:"id"`
	Name   string    `json:"name"`
	MadeAt time.Time `json:"made_at"`
	MadeBy string    `json:"made_by"`
	Codes  int       `json:"codes"`
	Used   int       `json:"used"`
}
