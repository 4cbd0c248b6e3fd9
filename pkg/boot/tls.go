package boot

import "github.com/startupwebapp/startupwebapp/pkg/certs"

// BrokerTLS is how a service talks to the broker across a network that is not its own.
type BrokerTLS struct {
	NATSCA   string `envconfig:"NATS_CA" desc:"file with the certificate authority of the broker; this, or tls:// in NATS_URL, turns on TLS"`
	NATSCert string `envconfig:"NATS_CERT" desc:"file with the certificate to show the broker, if it asks for one"`
	NATSKey  string `envconfig:"NATS_KEY" desc:"file with its key"`
}

// BrokerFiles names the files.
func (c BrokerTLS) BrokerFiles() certs.Files {
	return certs.Files{CA: c.NATSCA, Cert: c.NATSCert, Key: c.NATSKey}
}

// InsideTLS is how edge and the owners talk across a network that is not their own.
type InsideTLS struct {
	TLSCert string `envconfig:"TLS_CERT" desc:"file with this service's certificate: owners then serve https with it, and edge shows it to them"`
	TLSKey  string `envconfig:"TLS_KEY" desc:"file with its key"`
	TLSCA   string `envconfig:"TLS_CA" desc:"file with the authority that must have issued the other side's certificate; an owner then refuses connections without one"`
}

// InsideFiles names the files.
func (c InsideTLS) InsideFiles() certs.Files {
	return certs.Files{CA: c.TLSCA, Cert: c.TLSCert, Key: c.TLSKey}
}
