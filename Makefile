# Everything that a developer runs. `make test` is the one that counts.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  = -s -w -X github.com/holdfast-ha/holdfast/crm/cli.Version=$(VERSION)
TOOL     = $(GO) tool -modfile=tools.mod
# Two test binaries at a time: host-level tests boot machines of their own.
TESTFLAGS ?= -shuffle=on -timeout 15m

.PHONY: build static test packages layers unit lint race bench demo clean

build: ## the binary for this machine, in bin/
	$(GO) build -o bin/crm ./crm

static: ## the binary that is shipped: static, stripped
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/crm ./crm
	@size=$$(stat -c %s bin/crm); echo "static binary: $$((size / 1024 / 1024)) MB"; \
	if command -v ldd >/dev/null && ldd bin/crm >/dev/null 2>&1; then echo "bin/crm is not static" >&2; exit 1; fi; \
	if [ $$size -gt $$((40 * 1024 * 1024)) ]; then echo "bin/crm is larger than 40 MB" >&2; exit 1; fi

test: packages layers ## all tests that this machine can run
	$(GO) test $(TESTFLAGS) ./...

packages: ## what the host-level tests need, on Debian, as root
	@./packaging/install-test-packages

layers: ## say what will be left out, and why
	@./packaging/test-layers

race: ## the race detector on everything that has goroutines
	$(GO) test -race -short $(TESTFLAGS) ./agents/... ./crm/executor/... ./crm/daemon/... ./crm/api/... ./crm/control/... ./crm/state/... ./fencing/... ./membership/...

lint: ## vet, staticcheck, gofumpt, tidy: all silent
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	@out=$$($(TOOL) gofumpt -l .); if [ -n "$$out" ]; then echo "not formatted by gofumpt:"; echo "$$out"; exit 1; fi
	$(GO) mod tidy -diff

bench: ## benchmarks with allocations
	$(GO) test -run '^$$' -bench . -benchmem ./policy/... ./crm/state/... ./membership/...

demo: ## three nodes, a failure, a failover
	$(GO) run ./crm demo

clean:
	rm -rf bin
