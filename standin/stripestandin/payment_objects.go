package stripestandin

// intent is a PaymentIntent.
type intent struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Amount             int64             `json:"amount"`
	AmountCapturable   int64             `json:"amount_capturable"`
	AmountDetails      map[string]any    `json:"amount_details"`
	AmountReceived     int64             `json:"amount_received"`
	CanceledAt         null              `json:"canceled_at"`
	CancellationReason null              `json:"cancellation_reason"`
	CaptureMethod      string            `json:"capture_method"`
	ClientSecret       string            `json:"client_secret"`
	ConfirmationMethod string            `json:"confirmation_method"`
	Created            int64             `json:"created"`
	Currency           string            `json:"currency"`
	Customer           null              `json:"customer"`
	Description        text              `json:"description"`
	Invoice            null              `json:"invoice"`
	LastPaymentError   *paymentError     `json:"last_payment_error"`
	LatestCharge       ref               `json:"latest_charge"`
	Livemode           bool              `json:"livemode"`
	Metadata           map[string]string `json:"metadata"`
	NextAction         null              `json:"next_action"`
	PaymentMethod      text              `json:"payment_method"`
	PaymentMethodTypes []string          `json:"payment_method_types"`
	ReceiptEmail       text              `json:"receipt_email"`
	Shipping           *shippingDetails  `json:"shipping"`
	Descriptor         text              `json:"statement_descriptor"`
	DescriptorSuffix   text              `json:"statement_descriptor_suffix"`
	Status             string            `json:"status"`
}

type paymentError struct {
	Code        string `json:"code"`
	DeclineCode string `json:"decline_code,omitempty"`
	Message     string `json:"message"`
	Type        string `json:"type"`
}

// charge is a charge, the money behind an intent.
type charge struct {
	ID                   string            `json:"id"`
	Object               string            `json:"object"`
	Amount               int64             `json:"amount"`
	AmountCaptured       int64             `json:"amount_captured"`
	AmountRefunded       int64             `json:"amount_refunded"`
	BalanceTransaction   text              `json:"balance_transaction"`
	BillingDetails       billingDetails    `json:"billing_details"`
	Captured             bool              `json:"captured"`
	Created              int64             `json:"created"`
	Currency             string            `json:"currency"`
	Customer             null              `json:"customer"`
	Description          text              `json:"description"`
	Disputed             bool              `json:"disputed"`
	FailureCode          text              `json:"failure_code"`
	FailureMessage       text              `json:"failure_message"`
	Livemode             bool              `json:"livemode"`
	Metadata             map[string]string `json:"metadata"`
	Outcome              map[string]any    `json:"outcome"`
	Paid                 bool              `json:"paid"`
	PaymentIntent        ref               `json:"payment_intent"`
	PaymentMethod        text              `json:"payment_method"`
	PaymentMethodDetails methodDetails     `json:"payment_method_details"`
	ReceiptEmail         text              `json:"receipt_email"`
	Refunded             bool              `json:"refunded"`
	Shipping             *shippingDetails  `json:"shipping"`
	Status               string            `json:"status"`
}

type billingDetails struct {
	Address *address `json:"address"`
	Email   text     `json:"email"`
	Name    text     `json:"name"`
	Phone   text     `json:"phone"`
}

type methodDetails struct {
	Type          string       `json:"type"`
	Card          *cardDetails `json:"card,omitempty"`
	USBankAccount *bankDetails `json:"us_bank_account,omitempty"`
}

type cardDetails struct {
	Brand    string `json:"brand"`
	Country  string `json:"country"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
	Funding  string `json:"funding"`
	Last4    string `json:"last4"`
	Network  string `json:"network"`
}

type bankDetails struct {
	AccountHolderType string `json:"account_holder_type"`
	AccountType       string `json:"account_type"`
	BankName          string `json:"bank_name"`
	Last4             string `json:"last4"`
}

// refund is a refund of a charge or of a part of it.
type refund struct {
	ID                        string            `json:"id"`
	Object                    string            `json:"object"`
	Amount                    int64             `json:"amount"`
	BalanceTransaction        text              `json:"balance_transaction"`
	Charge                    ref               `json:"charge"`
	Created                   int64             `json:"created"`
	Currency                  string            `json:"currency"`
	DestinationDetails        *destination      `json:"destination_details,omitempty"`
	FailureBalanceTransaction string            `json:"failure_balance_transaction,omitempty"`
	FailureReason             string            `json:"failure_reason,omitempty"`
	Metadata                  map[string]string `json:"metadata"`
	PaymentIntent             ref               `json:"payment_intent"`
	Reason                    text              `json:"reason"`
	ReceiptNumber             text              `json:"receipt_number"`
	SourceTransferReversal    null              `json:"source_transfer_reversal"`
	Status                    string            `json:"status"`
	TransferReversal          null              `json:"transfer_reversal"`
}

// destination says where a refund to a card goes; reference is the number by which banks find it.
type destination struct {
	Type string      `json:"type"`
	Card *cardRefund `json:"card"`
}

type cardRefund struct {
	Reference       string `json:"reference,omitempty"`
	ReferenceStatus string `json:"reference_status"`
	ReferenceType   string `json:"reference_type"`
	Type            string `json:"type"`
}

// dispute is the cardholder's dispute of a charge.
type dispute struct {
	ID                   string               `json:"id"`
	Object               string               `json:"object"`
	Amount               int64                `json:"amount"`
	BalanceTransactions  []balanceTransaction `json:"balance_transactions"`
	Charge               string               `json:"charge"`
	Created              int64                `json:"created"`
	Currency             string               `json:"currency"`
	Evidence             map[string]any       `json:"evidence"`
	EvidenceDetails      evidenceDetails      `json:"evidence_details"`
	IsChargeRefundable   bool                 `json:"is_charge_refundable"`
	Livemode             bool                 `json:"livemode"`
	Metadata             map[string]string    `json:"metadata"`
	NetworkReasonCode    text                 `json:"network_reason_code"`
	PaymentIntent        string               `json:"payment_intent"`
	PaymentMethodDetails map[string]any       `json:"payment_method_details"`
	Reason               string               `json:"reason"`
	Status               string               `json:"status"`
}

// evidenceDetails say by when the shop may answer a dispute, and how often it has.
type evidenceDetails struct {
	DueBy           int64 `json:"due_by"`
	HasEvidence     bool  `json:"has_evidence"`
	PastDue         bool  `json:"past_due"`
	SubmissionCount int   `json:"submission_count"`
}

// balanceTransaction is money that a dispute took from the account's balance (a negative amount) or
// gave back.
type balanceTransaction struct {
	ID                string `json:"id"`
	Object            string `json:"object"`
	Amount            int64  `json:"amount"`
	Created           int64  `json:"created"`
	Currency          string `json:"currency"`
	Fee               int64  `json:"fee"`
	Net               int64  `json:"net"`
	ReportingCategory string `json:"reporting_category"`
	Source            string `json:"source"`
	Status            string `json:"status"`
	Type              string `json:"type"`
}

// withdrawn is the amount of a dispute that is withdrawn from the account.
func (d *dispute) withdrawn() (cents int64) {
	for _, b := range d.BalanceTransactions {
		cents -= b.Amount
	}
	return cents
}

// open reports whether the dispute is undecided.
func (d *dispute) open() bool {
	return d.Status != disputeWon && d.Status != disputeLost && d.Status != inquiryClosed
}
