module github.com/startupwebapp/startupwebapp/services/order

go 1.26.0

require github.com/startupwebapp/startupwebapp/pkg v0.0.0

replace github.com/startupwebapp/startupwebapp/pkg => ../../pkg
