package msg

// Complete reports whether a payload names what it is about. A receiver parks one that does not.

// Complete is part of Member.
func (m Member) Complete() bool { return m.ID != 0 }

// Complete is part of Prospect.
func (p Prospect) Complete() bool { return p.ID != 0 }

// Complete is part of Merged.
func (m Merged) Complete() bool { return m.MemberID != 0 && m.Into != 0 }

// Complete is part of OrderPlaced.
func (o OrderPlaced) Complete() bool { return o.Identifier != "" }

// Complete is part of OrderStatusChanged.
func (c OrderStatusChanged) Complete() bool { return c.Identifier != "" }

// Complete is part of OrderMoney.
func (o OrderMoney) Complete() bool { return o.Identifier != "" }

// Complete is part of OrderGivenBack.
func (o OrderGivenBack) Complete() bool { return o.Identifier != "" }

// Complete is part of Shop.
func (s Shop) Complete() bool { return s.Version > 0 }

// Complete is part of MailDone.
func (m MailDone) Complete() bool { return m.Key != "" }
