package msg

import "time"

// Subjects with one payload each. A name ends in Subject where it would otherwise be that of the
// payload's type, or of a kind of mail.
const (
	// CatalogChanged says that products, SKUs, prices, stock or shipping methods changed; no
	// payload.
	CatalogChanged = "catalog.changed"

	OrderPlacedSubject         = "order.placed"                // OrderPlaced
	OrderStatusChangedSubject  = "order.status.changed"        // OrderStatusChanged
	ReceiptAddressGivenSubject = "order.receipt-address.given" // ReceiptAddressGiven
	ShopChanged                = "order.shop"                  // Shop
	OrderMoneySubject          = "order.money"                 // OrderMoney
	OrderGivenBackSubject      = "order.given-back"            // OrderGivenBack

	UserRegistered         = "user.registered"          // Member
	UserEmailVerified      = "user.email.verified"      // Member
	UserProfileChanged     = "user.profile.changed"     // Member
	UserPreferencesChanged = "user.preferences.changed" // Member
	UserCredentialsChanged = "user.credentials.changed" // CredentialsChanged
	UserErased             = "user.erased"              // Erased
	UserMerged             = "user.merged"              // Merged
	ProspectChanged        = "user.prospect.changed"    // Prospect
	UserChatWritten        = "user.chat.written"        // ChatWritten

	MailSentSubject   = "mail.sent"   // MailDone
	MailParkedSubject = "mail.parked" // MailDone
)

// StaffActedSubject is where a service says what a person of the staff did in it; its payload is
// StaffActed.
func StaffActedSubject(service string) string { return "staff.acted." + service }

// StripeSubject is where an event of Stripe travels; its payload is the event's raw body.
func StripeSubject(eventType string) string { return "stripe." + eventType }

// MailSubject is where a command to send a mail of this kind travels; its payload is SendMail.
func MailSubject(kind string) string { return "mail.send." + kind }

// EventsTogether is the subject of client events that are sent together: its payload is a JSON
// array of ClientEvent.
const EventsTogether = "event.together"

// OrderPlaced says that a payment became an order. It carries all that user (owners, prospects),
// events (funnel) and others need, so that none has to ask order. Amounts are cents.
type OrderPlaced struct {
	OrderID    int64     `json:"order_id"`
	Identifier string    `json:"identifier"`
	PlacedAt   time.Time `json:"placed_at"`
	// MemberID is 0 for a visitor's order.
	MemberID     int64  `json:"member_id,omitempty"`
	Email        string `json:"email"`
	CustomerName string `json:"customer_name"`
	// ProspectCode is the pr_cd under which a visitor's mail links come back. User makes the
	// prospect with it, or keeps it beside the code that the prospect has already.
	ProspectCode string `json:"prospect_code,omitempty"`
	// ProspectKnown says that user itself has published the prospect under this code.
	ProspectKnown bool `json:"prospect_known,omitempty"`
	// Newsletter is a visitor's consent at checkout, given at ConsentAt.
	Newsletter bool      `json:"newsletter,omitempty"`
	ConsentAt  time.Time `json:"consent_at,omitzero"`

	Currency string `json:"currency"`
	OrderAmounts
	Lines []OrderLine `json:"lines"`
	Codes []OrderCode `json:"codes,omitempty"`
	// Country is where the order is sent, ISO 3166-1 alpha-2. Older senders leave it empty.
	Country string `json:"country,omitempty"`
}

// OrderAmounts are the amounts of an order, in cents.
type OrderAmounts struct {
	ItemSubtotal     int64 `json:"item_subtotal"`
	ItemDiscount     int64 `json:"item_discount"`
	ShippingSubtotal int64 `json:"shipping_subtotal"`
	ShippingDiscount int64 `json:"shipping_discount"`
	SalesTax         int64 `json:"sales_tax"`
	// TaxIncluded is the tax within Total that SalesTax is not. Older senders leave it empty.
	TaxIncluded int64 `json:"tax_included,omitempty"`
	Total       int64 `json:"total"`
}

// OrderMoney is the total of an order and what was given back of it, for the figures of customers.
type OrderMoney struct {
	Identifier string    `json:"identifier"`
	PlacedAt   time.Time `json:"placed_at"`
	// MemberID is 0 for a visitor's order.
	MemberID int64  `json:"member_id,omitempty"`
	Email    string `json:"email,omitempty"`
	// CustomerName is set for visitors.
	CustomerName string `json:"customer_name,omitempty"`

	Total    int64 `json:"total"`    // cents, as it was placed
	Returned int64 `json:"returned"` // cents that refunds and disputes took back
	// Version grows with each change of Returned.
	Version int64 `json:"version"`
}

// OrderGivenBack is all that was given back of an order by now, for reports: it names no one.
// Amounts are cents.
type OrderGivenBack struct {
	Identifier string      `json:"identifier"`
	Tax        int64       `json:"tax,omitempty"` // within the order's total
	Returns    []GivenBack `json:"returns,omitempty"`
	// Version grows with each change of Returns.
	Version int64 `json:"version"`
}

// GivenBack is a refund that succeeded, or a dispute that was lost.
type GivenBack struct {
	At     time.Time `json:"at"`
	Amount int64     `json:"amount"`
	Tax    int64     `json:"tax"` // the share of Amount in the order's tax
}

// OrderCollection is a collection that a product is in.
type OrderCollection struct {
	Address string `json:"address"`
	Title   string `json:"title"`
}

// OrderLine is one line of an order; prices are cents.
type OrderLine struct {
	SKUID     int64  `json:"sku_id"`
	Product   string `json:"product"`
	Text      string `json:"text,omitempty"`
	Color     string `json:"colour,omitempty"` // messages that are kept have this spelling
	Size      string `json:"size,omitempty"`
	PriceEach int64  `json:"price_each"`
	Quantity  int    `json:"quantity"`
	// ProductIdentifier and Collections are set only in OrderPlaced.
	ProductIdentifier string            `json:"product_identifier,omitempty"`
	Collections       []OrderCollection `json:"collections,omitempty"`
}

// OrderCode is a discount code as it counted in an order.
type OrderCode struct {
	ID          int64  `json:"id"`
	Code        string `json:"code"`
	Description string `json:"description"`
	Combinable  bool   `json:"combinable"`
	Applied     bool   `json:"applied"`
	// Amount is what the code's type says: hundredths of a per cent, or cents.
	Amount int64 `json:"amount"`
}

// Address is a postal address as Stripe collected it. Line2 (a flat, a floor) is left out if it is
// empty: it is no part of the contract's address.
type Address struct {
	Name        string `json:"name"`
	Line1       string `json:"address_line1"`
	Line2       string `json:"address_line2,omitempty"`
	City        string `json:"city"`
	State       string `json:"state"`
	Zip         string `json:"zip"`
	Country     string `json:"country"`
	CountryCode string `json:"country_code"`
}

// OrderStatusChanged says that an order has a new status.
type OrderStatusChanged struct {
	Identifier string    `json:"identifier"`
	Status     string    `json:"status"`
	MemberID   int64     `json:"member_id,omitempty"`
	Email      string    `json:"email"`
	At         time.Time `json:"at"`
}

// ReceiptAddressGiven says that a visitor named an address for the receipt: user makes it an
// unsubscribed prospect unless it is known.
type ReceiptAddressGiven struct {
	Email        string    `json:"email"`
	ProspectCode string    `json:"prospect_code"`
	At           time.Time `json:"at"`
}

// Member is what other services may know of a member.
type Member struct {
	ID               int64  `json:"id"`
	Username         string `json:"username"`
	FirstName        string `json:"first_name"`
	LastName         string `json:"last_name"`
	Email            string `json:"email"`
	EmailVerified    bool   `json:"email_verified"`
	Code             string `json:"mb_cd"`
	Newsletter       bool   `json:"newsletter"`
	Unsubscribed     bool   `json:"unsubscribed"`
	UnsubscribeToken string `json:"unsubscribe_token"`
	// Tags are the staff's words for groups of customers.
	Tags []string `json:"tags,omitempty"`
	// Version grows with every change, so that a late message cannot undo a newer one.
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
}

// Erased says that everything about a person must go (pkg/erasure).
type Erased struct {
	MemberID   int64     `json:"member_id,omitempty"`
	ProspectID int64     `json:"prospect_id,omitempty"`
	Emails     []string  `json:"emails,omitempty"`
	Codes      []string  `json:"codes,omitempty"`
	At         time.Time `json:"at"`
}

// Merged says that a member's account is closed, and that another member has what was theirs.
type Merged struct {
	MemberID int64     `json:"member_id"`
	Into     int64     `json:"into"`
	At       time.Time `json:"at"`
}

// ChatWritten says that a message to the staff came in: open pages of the back office hear of it,
// and no service.
type ChatWritten struct {
	ID int64     `json:"id"`
	At time.Time `json:"at"`
}

// CredentialsChanged says that every session of a member but KeepSession ends.
type CredentialsChanged struct {
	MemberID int64 `json:"member_id"`
	// KeepSession is the hash of the session that stays, hex, or "".
	KeepSession string    `json:"keep_session,omitempty"`
	At          time.Time `json:"at"`
}

// Prospect is a person without an account.
type Prospect struct {
	ID           int64  `json:"id"`
	Email        string `json:"email"`
	FirstName    string `json:"first_name,omitempty"`
	LastName     string `json:"last_name,omitempty"`
	Code         string `json:"pr_cd"`
	Unsubscribed bool   `json:"unsubscribed"`
	// Refused says that the person unsubscribed, and not only never asked for newsletters: then no
	// record of the same address gets any. Older senders leave it empty.
	Refused          *bool  `json:"refused,omitempty"`
	UnsubscribeToken string `json:"unsubscribe_token"`
	// Aliases are further codes under which links of this prospect are out.
	Aliases []string `json:"aliases,omitempty"`
	// Tags are the staff's words for groups of customers.
	Tags    []string  `json:"tags,omitempty"`
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
}

// SendMail is the command to send one mail.
type SendMail struct {
	Kind string `json:"kind"`
	// To are the receivers of the one mail; empty means the shop's staff.
	To []string `json:"to,omitempty"`
	// Proved are those of To that the member of MemberID has proved: a notice to them that an
	// account was changed has a room of its own below the ceiling, which no one else can fill.
	Proved []string `json:"proved,omitempty"`
	// Data fills the templates of the kinds up to MailChatAlert: first_name, last_name, username,
	// email, old_email, closed_username, code; accounts has a line for each account of
	// MailUsername. Those of automatic mails: first_name, identifier (of the order), product (its
	// identifier), notice (token that ends notices), and asked, which is true for people who asked
	// for news with the checkout that the mail is about.
	Data map[string]string `json:"data,omitempty"`
	// Order fills the order confirmations, and the mails about what became of an order.
	Order *OrderMail `json:"order,omitempty"`
	// Shipment fills MailOrderShipped.
	Shipment *ShipmentMail `json:"shipment,omitempty"`
	// Refund fills MailOrderRefunded and MailOrderCanceled.
	Refund *RefundMail `json:"refund,omitempty"`
	// Note fills MailOrderNote and MailChatAnswer: plain text, with line breaks.
	Note string `json:"note,omitempty"`
	// Earlier are the keys of earlier mails of the same conversation, oldest first: mail programs
	// show them as one thread.
	Earlier []string `json:"earlier,omitempty"`
	// Payment fills the mails about a bank debit, and lists what an automatic mail is about.
	Payment      *PaymentMail `json:"payment,omitempty"`
	MemberID     int64        `json:"member_id,omitempty"`
	MemberCode   string       `json:"mb_cd,omitempty"`
	ProspectCode string       `json:"pr_cd,omitempty"`
	CreatedAt    time.Time    `json:"created_at"`
	// Deadline is when sending becomes pointless: from then on the mail is parked.
	Deadline time.Time `json:"deadline"`
}

// OrderMail is an order as its confirmation shows it; amounts are cents.
type OrderMail struct {
	Identifier     string      `json:"identifier"`
	PlacedAt       time.Time   `json:"placed_at"`
	CustomerName   string      `json:"customer_name"`
	EmailCode      string      `json:"em_cd"`
	Lines          []OrderLine `json:"lines"`
	Codes          []OrderCode `json:"codes,omitempty"`
	ShippingMethod string      `json:"shipping_method"`
	OrderAmounts
	ShippingAddress Address `json:"shipping_address"`
	BillingAddress  Address `json:"billing_address"`
}

// ShipmentMail is a parcel that is on its way.
type ShipmentMail struct {
	Carrier        string `json:"carrier"`
	TrackingNumber string `json:"tracking_number,omitempty"`
	// TrackingURL is the carrier's page about the parcel, if there is one.
	TrackingURL string      `json:"tracking_url,omitempty"`
	Lines       []OrderLine `json:"lines"`
	// Rest are the pieces that are still to be sent.
	Rest []OrderLine `json:"rest,omitempty"`
	// Corrected says that an earlier mail about the parcel was wrong.
	Corrected bool `json:"corrected,omitempty"`
}

// RefundMail is money that is given back; the amount is cents, 0 when nothing was paid.
type RefundMail struct {
	Amount int64 `json:"amount"`
	// Lines are the pieces that it is for; none for an amount by itself.
	Lines []OrderLine `json:"lines,omitempty"`
}

// PaymentMail is a payment that is not an order; the amount is cents.
type PaymentMail struct {
	Total int64       `json:"total"`
	Lines []OrderLine `json:"lines"`
}

// Shop is the shop's identity, as staff set it.
type Shop struct {
	// Name is empty when staff gave none: the services' own settings count then.
	Name string `json:"name"`
	// Version is that of the settings, and only grows.
	Version int64 `json:"version"`
}

// MailDone says what became of a mail: sent, or parked with a reason.
type MailDone struct {
	Key       string `json:"key"`
	Kind      string `json:"kind"`
	EmailCode string `json:"em_cd,omitempty"`
	// Campaign is the id of the mail's campaign, and CampaignName the staff's name for it.
	Campaign     int64     `json:"campaign,omitempty"`
	CampaignName string    `json:"campaign_name,omitempty"`
	MemberID     int64     `json:"member_id,omitempty"`
	ProspectCode string    `json:"pr_cd,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	At           time.Time `json:"at"`
}

// StaffActed is what a person of the staff did: an entry of the log that no one can change.
type StaffActed struct {
	// Person is the id at admin; 0 for a command on the server, whose Name says which.
	Person int64  `json:"person"`
	Name   string `json:"name"`
	// Token says that it was done with an API token of the person's.
	Token bool `json:"token,omitempty"`
	// From is the client's address.
	From    string `json:"from,omitempty"`
	Service string `json:"service"`
	// Action is the right that it needed, such as orders.refund.
	Action string `json:"action"`
	// Kind and Key say what it was done to: order, aB3dE5gH7j.
	Kind string `json:"kind"`
	Key  string `json:"key"`
	Text string `json:"text"`
	// Before and After are what changed, JSON objects.
	Before any `json:"before,omitempty"`
	After  any `json:"after,omitempty"`
	// Whose are address and code of the customer whose data Before and After hold. If that customer
	// is erased in the meantime they are not kept.
	Whose []string  `json:"whose,omitempty"`
	At    time.Time `json:"at"`
}

// ClientEvent is one report of a browser, stamped by edge.
type ClientEvent struct {
	// ID is edge's stamp: events stores an id once.
	ID          string    `json:"id"`
	Kind        string    `json:"kind"` // pageview, ajaxerror, buttonclick, linkevent
	At          time.Time `json:"at"`
	UserID      int64     `json:"user_id,omitempty"`
	AnonymousID string    `json:"anonymous_id,omitempty"`
	URL         string    `json:"url"` // PublicAddress
	// Order is the mark of the order that the page shows (OrderMark).
	Order     string `json:"order,omitempty"`
	PageWidth int    `json:"page_width,omitempty"`
	// Referrer is the host of the page that led to a page view, when it is not the shop's.
	Referrer   string `json:"referrer,omitempty"`
	RemoteAddr string `json:"remote_addr,omitempty"`
	UserAgent  string `json:"user_agent,omitempty"`
	// What is the error_id or button_id.
	What         string `json:"what,omitempty"`
	MemberCode   string `json:"mb_cd,omitempty"`
	ProspectCode string `json:"pr_cd,omitempty"`
	EmailCode    string `json:"em_cd,omitempty"`
	AdCode       string `json:"ad_cd,omitempty"`
}
