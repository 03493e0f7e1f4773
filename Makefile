# The verbs of this project. `make demo` and `make test` are the README's.
# Tools are pinned here and run from the module proxy, not from go.mod: their
# trees are none of ours.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: demo test build vet lint vuln fuzz crash soak bench bench-report golden check

demo: ## find the limits of an embedded endpoint, in about a minute
	go run ./cmd/probe run quickstart

test: ## everything, with the race detector
	go test -race -p 1 -timeout 30m ./...

build:
	go build -trimpath -o bin/probe ./cmd/probe

vet:
	go vet ./...
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi

lint:
	go run $(STATICCHECK) ./...

vuln: ## needs the vulnerability database; says so where it cannot be reached
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; GOBIN=$$dir go install $(GOVULNCHECK) || exit 1; \
	$$dir/govulncheck ./...; code=$$?; \
	if [ $$code = 1 ]; then echo "govulncheck skipped: its database cannot be reached from here"; else exit $$code; fi

fuzz: ## each fuzz target for a while
	@for pkg in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(or $(FUZZTIME),30s) -fuzzminimizetime 5x $$pkg || exit 1; \
	  done; done

crash: ## kill runs at random moments, and resume them; KILLS=200
	go test ./cmd/probe -run TestCrash -timeout 60m -kills $(or $(KILLS),200) -v

# Peers of the comparisons. wrk comes from the system's packages.
PEERS = github.com/tsenart/vegeta/v12@v12.13.0 go.k6.io/k6@v1.8.1 github.com/rakyll/hey@v0.1.5

bench: ## compare with vegeta, k6, hey, wrk and the official Go SDK on this machine; ROUNDS=5 EACH=4s
	@for peer in $(PEERS); do GOBIN=$(CURDIR)/bin/peers go install $$peer || echo "$$peer cannot be had here: left out"; done
	@wrk=$$(command -v wrk) && ln -sf $$wrk bin/peers/wrk || echo "wrk is not installed: left out"
	go test ./attack/bench -run TestBench -v -count 1 -timeout 0 -peers $(CURDIR)/bin/peers -rounds $(or $(ROUNDS),5) -each $(or $(EACH),4s)

bench-report: ## time probe report against vegeta report on a run of ATTEMPTS=10000000; takes about 6 GB of disk
	go test ./attack/bench -run TestReport -v -count 1 -timeout 0 -peers $(CURDIR)/bin/peers -attempts $(or $(ATTEMPTS),10000000)

soak: ## send at 1,000 requests a second for SOAK=1h; memory must stay flat, and no attempt be lost
	go test ./attack/bench -run TestSoak -v -count 1 -timeout 0 -soak $(or $(SOAK),1h)

golden: ## write golden files anew; look at the difference before committing
	go test ./... -update

check: vet lint test
