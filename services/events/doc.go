// Package events records what shoppers did: page views, clicks, failed calls, tracked links, and
// the orders and mails that go with them, for reports. No order depends on it: losing the last
// moments in a power cut is acceptable, blocking anybody is not.
package events
