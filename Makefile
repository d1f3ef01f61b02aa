GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 30s
# How many packages are tested at once: one more than there are processors,
# because tests wait for servers and browsers too.
PACKAGES ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
LDFLAGS  := -s -w -X github.com/lanyard-id/lanyard/cmd.version=$(VERSION)

# SQLite is C, translated to Go. What it works on is memory of its own, which
# the race detector cannot see; looking all the same makes its calls take four
# times as long. The driver above it is watched like everything else.
UNSEEN := $(foreach p,modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory,-gcflags=$(p)=-race=false)

.DEFAULT_GOAL := help
.PHONY: help conformance test deps fmt vet lint build demo screenshots bench fuzz cover

help: ## Show what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

# golangci-lint runs every analyzer of go vet, so go test need not.
test: deps fmt lint ## Install what is missing, then run every check and test
	CGO_ENABLED=0 $(GO) test -vet=off -run TheFilterChangesNothing ./devices/observe
	$(GO) test -race $(UNSEEN) -vet=off -tags ory -p $(PACKAGES) -timeout 60m ./...

deps: ## Install what the tests need and Go does not bring
	@.ci/deps.sh

fmt: ## Fail where gofmt would change something
	@changed=$$(gofmt -l .); \
	if [ -n "$$changed" ]; then echo "gofmt would change:"; echo "$$changed"; exit 1; fi

vet: ## Run go vet alone
	CGO_ENABLED=0 $(GO) vet -tags ory,traefik ./...

lint: bin/golangci-lint ## Run golangci-lint, as pinned in tools/go.mod
	CGO_ENABLED=0 bin/golangci-lint run --timeout 20m --build-tags ory,traefik

bin/golangci-lint: tools/go.mod tools/go.sum
	CGO_ENABLED=0 $(GO) build -C tools -ldflags '-s -w' -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

build: ## Build bin/lanyard, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/lanyard .

demo: ## Tell the product's story and stay up
	$(GO) run . demo

screenshots: ## Take a picture of every page into dist/screens
	@.ci/deps.sh fonts
	@mkdir -p dist/screens
	$(GO) test ./e2e/pages -count=1 -run "TestPagesInEveryLight|TestPagesOfAService" -args -screens $(CURDIR)/dist/screens

bench: ## Measure a refresh against the bare update
	$(GO) run ./bench refresh

fuzz: ## Run each fuzz test for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
		for name in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

conformance: ## Hold the server to the modules of the OpenID conformance suite
	CONFORMANCE_WAIT=30s $(GO) test -count=1 -v ./e2e/conformance

cover: ## Write and summarise bin/cover.out
	@mkdir -p bin
	$(GO) test -coverpkg ./... -coverprofile bin/cover.out ./...
	@$(GO) tool cover -func bin/cover.out | tail -1
