module github.com/startupwebapp/startupwebapp/deploy/allinone

go 1.26.0

require (
	github.com/emersion/go-message v0.18.2
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6
	github.com/emersion/go-smtp v0.25.1
	github.com/google/go-cmp v0.7.0
	github.com/startupwebapp/startupwebapp/pkg v0.0.0
	github.com/startupwebapp/startupwebapp/services/edge v0.0.0
	github.com/startupwebapp/startupwebapp/services/events v0.0.0
	github.com/startupwebapp/startupwebapp/services/mailer v0.0.0
	github.com/startupwebapp/startupwebapp/services/order v0.0.0
	github.com/startupwebapp/startupwebapp/services/user v0.0.0
	github.com/startupwebapp/startupwebapp/services/webhook v0.0.0
	github.com/wneessen/go-mail v0.8.1
)

require (
	github.com/stripe/stripe-go/v76 v76.25.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/text v0.43.0 // indirect
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
