package boot

import (
	"maps"
	"strings"
	"testing"
)

// Headers are read as OpenTelemetry writes them, and no refusal quotes a value.
func TestTracesSettings(t *testing.T) {
	t.Parallel()
	got, err := Traces{OTLPHeaders: " authorization = Basic%20YTpi , api-key=a%3Db,"}.headers()
	if want := map[string]string{"Authorization": "Basic YTpi", "Api-Key": "a=b"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for _, good := range []string{"", "http://127.0.0.1:4318", "https://collector.example/otlp/"} {
		if err := (Traces{OTLPEndpoint: good}).validate(); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []Traces{
		{OTLPEndpoint: "secret:4318"}, {OTLPEndpoint: "ftp://secret"}, {OTLPEndpoint: "http://"}, {OTLPEndpoint: "http://h?secret=1"},
		{OTLPHeaders: "secret"}, {OTLPHeaders: "a=%zzsecret"}, {OTLPHeaders: "a b=secret"}, {OTLPHeaders: "a=secret%0d%0ab"},
	} {
		err := (Common{ShopEnv: "development", Traces: bad}).Validate()
		if err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
