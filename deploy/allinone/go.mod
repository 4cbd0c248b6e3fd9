module github.com/startupwebapp/startupwebapp/deploy/allinone

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/startupwebapp/startupwebapp/pkg v0.0.0
	github.com/startupwebapp/startupwebapp/services/edge v0.0.0
	github.com/startupwebapp/startupwebapp/services/events v0.0.0
	github.com/startupwebapp/startupwebapp/services/mailer v0.0.0
	github.com/startupwebapp/startupwebapp/services/order v0.0.0
	github.com/startupwebapp/startupwebapp/services/user v0.0.0
	github.com/startupwebapp/startupwebapp/services/webhook v0.0.0
	github.com/stripe/stripe-go/v76 v76.25.0
)

replace (
	github.com/startupwebapp/startupwebapp/pkg => ../../pkg
	github.com/startupwebapp/startupwebapp/services/edge => ../../services/edge
	github.com/startupwebapp/startupwebapp/services/events => ../../services/events
	github.com/startupwebapp/startupwebapp/services/mailer => ../../services/mailer
	github.com/startupwebapp/startupwebapp/services/order => ../../services/order
	github.com/startupwebapp/startupwebapp/services/user => ../../services/user
	github.com/startupwebapp/startupwebapp/services/webhook => ../../services/webhook
)
