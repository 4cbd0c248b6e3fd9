module github.com/startupwebapp/startupwebapp/pkg

go 1.26.0
