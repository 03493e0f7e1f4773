# The verbs of this project. `make demo` and `make test` are the README's.
# Tools are pinned here and run from the module proxy, not from go.mod: their
# trees are none of ours.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: demo test build vet lint vuln fuzz crash accuracy golden check

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

accuracy: ## how well limits are found, on hidden endpoints; SEED=1 COUNT=1000
	go run ./analysis/accuracy -seed $(or $(SEED),1) -count $(or $(COUNT),1000)

golden: ## write golden files anew; look at the difference before committing
	go test ./... -update

check: vet lint test
