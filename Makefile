# The verbs of this project. `make demo` and `make test` are the README's.
# Tools are pinned here and run from the module proxy, not from go.mod: their
# trees are none of ours.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
CYCLONEDX = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0
GORELEASER = github.com/goreleaser/goreleaser/v2@v2.13.0

PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
VERSION = $(shell git describe --tags --always --dirty)
BUILD = CGO_ENABLED=0 go build -trimpath -buildvcs=true -ldflags '-s -w'

.PHONY: demo test build vet lint vuln fuzz crash gates accuracy accuracy-short witnesses golden check compare-tcp soak bench bench-short bench-report release release-check image image-check fleet deploy

demo: ## find the limits of an embedded endpoint, in about a minute
	go run ./cmd/probe run quickstart

# In these the whole work is one calculation after the other, in one goroutine:
# the race detector could find nothing and makes them ten times as slow.
SEQUENTIAL = probe/analysis probe/analysis/fit probe/analysis/search
# What takes longest begins first. Slurm's daemons are started by make deploy,
# and accuracy has a target of its own.
RACED = probe/cmd/probe $(filter-out probe/cmd/probe probe/deploy/slurm probe/analysis/accuracy $(SEQUENTIAL),$(shell go list ./...))

test: ## everything, with the race detector but for what does one thing at a time
	go test -race -timeout 30m $(RACED)
	go test -timeout 30m $(SEQUENTIAL)
	go test -timeout 30m -run '^TestWhole' ./cmd/probe

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

accuracy-short: ## the same for a few endpoints: fails where the search has become worse than it was
	go test ./analysis/accuracy -count 1 -timeout 60m -v

witnesses: ## how well the limits of nginx, HAProxy, Redis and Go libraries are found, over TCP, in five to ten minutes; ONLY=Nginx AT=1 KEEP=dir
	cd cmd/probe/witness && go vet ./... && go test . -v -count 1 -timeout 90m -run '$(or $(ONLY),.)' -parallel $(or $(AT),4) $(if $(KEEP),-keep '$(abspath $(KEEP))')

compare-tcp: ## all remedies on 2,000 tasks over TCP, in seven minutes or so; SPEED=6; less busy machines can go faster
	go test ./cmd/probe -run TestRemediesOverTCP -timeout 60m -tcp $(or $(SPEED),6) -v

gates: ## one release twice passes its gate, 80 % of its limits fails; REPETITIONS=50, in virtual time
	go test ./cmd/probe -run 'TestGateDoesNotFlap' -count=1 -repetitions $(or $(REPETITIONS),50) -v

# Peers of the comparisons. wrk comes from the system's packages.
LIGHT_PEERS = github.com/tsenart/vegeta/v12@v12.13.0 github.com/rakyll/hey@v0.1.5
PEERS = $(LIGHT_PEERS) go.k6.io/k6@v1.8.1

bench: ## compare with vegeta, k6, hey, wrk and the official Go SDK on this machine; ROUNDS=5 EACH=4s
	@for peer in $(PEERS); do GOBIN=$(CURDIR)/bin/peers go install $$peer || echo "$$peer cannot be had here: left out"; done
	@wrk=$$(command -v wrk) && ln -sf $$wrk bin/peers/wrk || echo "wrk is not installed: left out"
	go test ./attack/bench -run TestBench -v -count 1 -timeout 0 -peers $(CURDIR)/bin/peers -rounds $(or $(ROUNDS),5) -each $(or $(EACH),4s)

bench-short: ## the same in a minute, without k6, which takes minutes to build
	$(MAKE) bench PEERS="$(LIGHT_PEERS)" ROUNDS=1 EACH=1s

bench-report: ## time probe report against vegeta report on a run of ATTEMPTS=10000000; takes about 6 GB of disk
	go test ./attack/bench -run TestReport -v -count 1 -timeout 0 -peers $(CURDIR)/bin/peers -attempts $(or $(ATTEMPTS),10000000)

soak: ## send at 1,000 requests a second for SOAK=1h; memory must stay flat, and no attempt be lost
	go test ./attack/bench -run TestSoak -v -count 1 -timeout 0 -soak $(or $(SOAK),1h)

fleet: ## workers and buses lost at any moment, in virtual time and as processes, on loopback and in network namespaces; SEARCHES=70 FLEETS=50
	go test ./attack/fleet -timeout 60m -run 'TestSearchesSurvive|TestSameLimits' -searches $(or $(SEARCHES),70) -v
	go test ./cmd/probe -run TestFleetOfProcesses -timeout 120m -fleets $(or $(FLEETS),50) -v
	go test ./cmd/probe -run 'TestFleet(FindsTheSame|InNamespaces)' -timeout 60m -parallel 4 -fleet-endpoints 20 -v

deploy: ## the job script on a Slurm of its own, the manifests against Kubernetes' types
	go test ./deploy/slurm -v
	cd deploy/kubernetes && go vet ./... && go test ./...

golden: ## write golden files anew; look at the difference before committing
	go test ./... -update

check: vet lint test

release: ## archives with man pages and completions, SBOMs and checksums of every platform in dist/, with Go alone
	rm -rf dist && mkdir -p dist
	go run ./cmd/probe man dist/doc/man
	mkdir -p dist/doc/completions && for s in bash zsh fish powershell; do go run ./cmd/probe completion $$s > dist/doc/completions/probe.$$s || exit 1; done
	cp LICENSE README.md docs/*.md docs/scenario.schema.json dist/doc/
	for p in $(PLATFORMS); do \
	  os=$${p%/*} arch=$${p#*/} exe=probe; [ $$os != windows ] || exe=probe.exe; \
	  name=probe_$(VERSION)_$${os}_$$arch; mkdir dist/$$name && cp -r dist/doc/. dist/$$name/ && \
	  GOOS=$$os GOARCH=$$arch $(BUILD) -o dist/$$name/$$exe ./cmd/probe && \
	  go run $(CYCLONEDX) bin -json -output dist/$$name.cdx.json dist/$$name/$$exe && \
	  tar -C dist -czf dist/$$name.tar.gz $$name && rm -r dist/$$name || exit 1; \
	done
	rm -r dist/doc
	cd dist && sha256sum * > SHA256SUMS

release-check: ## is .goreleaser.yaml what GoReleaser wants
	go run $(GORELEASER) check

image: ## the command in an image from scratch; needs Docker
	docker build -f deploy/Dockerfile -t probe:$(VERSION) .

image-check: ## what the image holds is enough: runs it in a root file system that has nothing else
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; mkdir -p "$$dir/usr/bin" "$$dir/runs"; \
	$(BUILD) -o "$$dir/usr/bin/probe" ./cmd/probe && \
	unshare --map-root-user chroot "$$dir" /usr/bin/probe run quickstart --set look_for=requests --set search.max_window=15s --out /runs/one && \
	ls "$$dir/runs/one"
