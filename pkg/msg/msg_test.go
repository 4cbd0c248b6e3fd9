package msg

import (
	"slices"
	"testing"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter, subject string
		want            bool
	}{
		{"stripe.>", "stripe.checkout.session.completed", true}, {"stripe.>", "stripe", false}, {"a.*", "a.b", true},
		{"a.*", "a.b.c", false}, {"a.b", "a.b", true}, {"a.b", "a", false}, {"a", "a.b", false},
	} {
		if got := Matches(c.filter, c.subject); got != c.want {
			t.Errorf("Matches(%q, %q) = %t", c.filter, c.subject, got)
		}
	}
}

func TestReceivers(t *testing.T) {
	t.Parallel()
	if got := Receivers(OrderPlacedSubject); !slices.Equal(got, []string{UserOrder, EventsOrder}) {
		t.Errorf("receivers of %s: %v", OrderPlacedSubject, got)
	}
	if got := Receivers(CatalogChanged); got != nil {
		t.Errorf("receivers of %s: %v", CatalogChanged, got)
	}
}

func TestEveryConsumerReadsItsStream(t *testing.T) {
	t.Parallel()
	for _, c := range Consumers {
		i := slices.IndexFunc(Streams, func(s Stream) bool { return s.Name == c.Stream })
		if i < 0 {
			t.Errorf("%s reads %s, which is not a stream", c.Name, c.Stream)
			continue
		}
		for _, filter := range c.Subjects {
			if !slices.ContainsFunc(Streams[i].Subjects, func(s string) bool { return Matches(s, filter) || s == filter }) {
				t.Errorf("%s filters %s, which %s does not hold", c.Name, filter, c.Stream)
			}
		}
	}
}
