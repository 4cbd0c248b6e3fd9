package boot

import "github.com/startupwebapp/startupwebapp/pkg/certs"

// BrokerTLS is how a service talks to the broker across a network that is not its own.
type BrokerTLS struct {
	NATSCA   string `envconfig:"NATS_CA" desc:"file with the authority of the broker's certificate; it, or tls:// in NATS_URL, turns TLS on"`
	NATSCert string `envconfig:"NATS_CERT" desc:"file with the certificate to show the broker, if it asks for one"`
	NATSKey  string `envconfig:"NATS_KEY" desc:"file with its key"`
}

// BrokerFiles names the files.
func (c BrokerTLS) BrokerFiles() certs.Files {
	return certs.Files{CA: c.NATSCA, Cert: c.NATSCert, Key: c.NATSKey}
}

// InsideTLS is how edge and the owners talk across a network that is not their own.
type InsideTLS struct {
	TLSCert string `envconfig:"TLS_CERT" desc:"file with this service's certificate: an owner then listens for https, edge shows it to the owners"`
	TLSKey  string `envconfig:"TLS_KEY" desc:"file with its key"`
	TLSCA   string `envconfig:"TLS_CA" desc:"file with the authority that the other side's certificate must come from; an owner then takes no connection without one"`
}

// InsideFiles names the files.
func (c InsideTLS) InsideFiles() certs.Files {
	return certs.Files{CA: c.TLSCA, Cert: c.TLSCert, Key: c.TLSKey}
}
