# Everything a developer needs. Each target says what is missing, if anything.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

FUNCTIONS := authorizer connect disconnect location match
# All modules but infra, which needs Node.js and minutes to compile.
MODULES := . lab clients/go
ARCH ?= arm64
DIST := dist
FUZZTIME ?= 30s
SOAK ?= ./test/invariants ./internal/match ./internal/geo ./localstack
TESTFLAGS ?= -timeout 20m
RUNFLAGS ?= -members 50
DEMOFLAGS ?=
VERIFYFLAGS ?=
RELEASE ?=
CDK = ARCH=$(ARCH) DIST=$(DIST) RELEASE=$(RELEASE) build/cdk.sh
CDKFLAGS ?=
# The CDK takes what is called CDK… in its environment for options of its own.
unexport CDKFLAGS
MUTATION ?=
TRACE ?=
SPEED ?= 60
WAIT ?= 0
FROM ?=
FOR ?=
CACHE ?=
DAYFLAGS ?=
BENCHFLAGS ?=
MUTATIONFLAGS ?=
UPGRADEFLAGS ?=

# The C compiler for make build is one for the machine that Lambda runs on:
# `make build CC=…` names it; CC in the environment is for this machine.
TARGET_CC := $(if $(filter command line,$(origin CC)),$(CC))

GO_FILES = find . -name '*.go' -not -path '*/node_modules/*' -not -path './.git/*'

.PHONY: help
help: ## list the targets (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: compiler ## start the whole stack on this machine, with simulated members (RUNFLAGS="-members 50")
	@build/progress.sh bin/localstack ./localstack
	@exec bin/localstack $(RUNFLAGS)

.PHONY: demo
demo: compiler ## play a scripted match in the terminal
	@go run ./cmd/waggle demo $(DEMOFLAGS)

.PHONY: day
day: compiler ## replay a trace on a real cluster, judge it and plot it into day (TRACE=cabs.csv.gz SPEED=60 WAIT=0 FROM=18:00 FOR=10m)
	@[ -n "$(TRACE)" ] || { echo "make: day plays a trace: TRACE=cabs.csv.gz, see docs/real-day.md"; exit 1; }
	@build/progress.sh bin/localstack ./localstack
	@go -C lab build -o ../bin/ . ./day
	@exec bin/day $(if $(CACHE),-cache $(CACHE)) $(if $(FAULTS),-faults $(FAULTS)) $(if $(AMBIGUOUS),-ambiguous $(AMBIGUOUS)) "$(TRACE)" -speed $(SPEED) -wait $(WAIT) $(if $(FROM),-from $(FROM)) $(if $(FOR),-for $(FOR)) $(DAYFLAGS)

.PHONY: bench
bench: compiler ## measure what messages cost the cache, beside other systems; ten minutes (BENCHFLAGS="-server redis")
	@go -C lab build -o ../bin/lab .
	@exec bin/lab bench $(BENCHFLAGS)

# The package that takes longest begins first, so that the others run beside it.
LONGEST = first=; if [ -d test/invariants ]; then first=./test/invariants; fi

.PHONY: test
test: compiler ## run all tests; the last line counts them and says what to install for those skipped
	@{ status=0; for module in $(MODULES); do (cd $$module && $(LONGEST) && go test -json $(TESTFLAGS) $$first ./...) || status=1; done; \
	if command -v node >/dev/null; then (cd infra && go test -json $(TESTFLAGS) ./...) || status=1; \
	elif [ "$${WAGGLE_NO_SKIP:-}" = 1 ]; then echo "test: Node.js is missing and nothing may be skipped" >&2; status=1; \
	else echo "test: the stack on AWS was left out: install Node.js 22 or later" >&2; fi; exit $$status; } | go run ./test/summary

.PHONY: race
race: compiler ## run all tests under the race detector, the longest of them shortened
	@{ status=0; for module in $(MODULES); do (cd $$module && $(LONGEST) && go test -json -race -short -timeout 30m $$first ./...) || status=1; done; \
	exit $$status; } | go run ./test/summary

.PHONY: soak
soak: compiler ## run the random suites for about an hour; a failure prints its seed
	@WAGGLE_SOAK=1 go test -json -timeout 100m $(SOAK) | go run ./test/summary

.PHONY: fuzz
fuzz: compiler ## run each fuzz target for a while (FUZZTIME=30s)
	@grep -rEo --include='*_test.go' --exclude-dir=node_modules '^func Fuzz\w+' . | sort | while IFS=: read -r file func; do \
		name="$${func#func }"; \
		echo "fuzz: $$name in $$(dirname "$$file") for $(FUZZTIME)"; \
		(cd "$$(dirname "$$file")" && go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) .); \
	done

.PHONY: lint
lint: compiler ## run gofmt, go vet, staticcheck, and luacheck if it is installed
	@unformatted="$$($(GO_FILES) -print0 | xargs -0 gofmt -l)"; \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@staticcheck="$$(go tool -n staticcheck)"; \
	for module in $(MODULES) infra; do (cd $$module && go vet ./... && "$$staticcheck" ./...); done
	@if command -v luacheck >/dev/null; then luacheck -q internal/store/scripts; \
	elif [ "$${WAGGLE_NO_SKIP:-}" = 1 ]; then echo "lint: luacheck is missing and nothing may be skipped: install lua-check"; exit 1; \
	else echo "lint: the Lua scripts were left out: install lua-check"; fi

.PHONY: model
model: compiler ## explore the match protocol exhaustively, and find each planted fault
	@go run ./test/model/explore

.PHONY: mutation
mutation: compiler ## change the code in small ways and see which test catches each; up to an hour (MUTATION=lua, go or planted)
	@go run ./test/mutation/run $(if $(MUTATION),-only $(MUTATION)) $(MUTATIONFLAGS)

# H3 is C, so the functions are linked statically with a C library of the target. They carry
# the commit, which the stack and waggle doctor tell.
.PHONY: build
build: ## build the functions for Lambda into dist/<function>/bootstrap (ARCH=arm64 or amd64)
	@command -v go >/dev/null || { echo "make: Go is missing: install Go 1.26 (https://go.dev/dl)"; exit 1; }
	@cc="$(TARGET_CC)"; [ -n "$$cc" ] || cc="$$(build/cross-cc.sh "$(ARCH)")"; \
	for f in $(FUNCTIONS); do \
		CC="$$cc" GOOS=linux GOARCH=$(ARCH) CGO_ENABLED=1 go build -trimpath -buildvcs=auto -tags 'lambda.norpc netgo osusergo' \
			-ldflags='-s -w -linkmode external -extldflags "-static"' -o $(DIST)/$$f/bootstrap ./functions/$$f; \
		ls -sh $(DIST)/$$f/bootstrap; \
	done

.PHONY: emulator
emulator: compiler ## deploy the stack on ministack, an emulator of AWS without Docker, and play a match
	@localstack/deploy/emulator.sh

.PHONY: verify-aws
verify-aws: compiler ## check on AWS what is not verified, and write docs/verified.md; half an hour, under two dollars (YES=1)
	@go build -o bin/verify ./cmd/verify
	@exec bin/verify $(if $(YES),-yes) $(VERIFYFLAGS)

.PHONY: upgrade-drill
upgrade-drill: compiler ## let the previous release and this checkout serve the same members, on one cache (FROM=<tag or commit> FOR=8s)
	@build/progress.sh bin/localstack ./localstack
	@go -C lab build -o ../bin/ ./upgrade
	@exec bin/upgrade $(if $(FROM),-from '$(FROM)') $(if $(FOR),-for $(FOR)) $(UPGRADEFLAGS)

.PHONY: deploy-localstack
deploy-localstack: compiler ## deploy the stack on LocalStack and play a match; needs Docker and LOCALSTACK_AUTH_TOKEN
	@localstack/deploy/localstack.sh

.PHONY: release
release: ## pack a release into bin/release: the functions for ARCH, waggle and localstack for this machine
	@build/release.sh pack $(ARCH) $(DIST) bin/release
	@build/release.sh tools bin/release

.PHONY: preflight
preflight: ## look before the first deploy what the account, the region and this machine lack; changes nothing
	@ARCH=$(ARCH) RELEASE=$(RELEASE) build/preflight.sh

.PHONY: synth
synth: ## build, and write the template of the stack on AWS (CDKFLAGS="-c issuer=… -c audience=… -c consent=…", see docs/configuration.md)
	@$(CDK) synth --quiet $(CDKFLAGS)
	@ls bin/cdk.out/*.template.json

.PHONY: diff
diff: ## build, and show what deploying would change (CDKFLAGS as for synth)
	@$(CDK) diff $(CDKFLAGS)

.PHONY: deploy
deploy: ## build, and deploy or update the stack on AWS (CDKFLAGS as for synth; RELEASE=v1.2.3 takes that release's functions)
	@$(CDK) deploy $(CDKFLAGS)

.PHONY: destroy
destroy: ## remove the stack from AWS (CDKFLAGS="-c stack=…" if its name is not Waggle)
	@$(CDK) destroy $(CDKFLAGS)

# make smoke URL=wss://… SMOKEFLAGS="-token T1 -token T2", or the local stack.
.PHONY: smoke
smoke: ## check a running Waggle: URL=wss://… and SMOKEFLAGS="-token-command …" (default: the local stack)
	@go run ./cmd/waggle doctor $(if $(URL),-url '$(URL)') $(SMOKEFLAGS)

.PHONY: module
module: ## rename every module and import (NAME=example.com/org/waggle)
	@go run ./build/module '$(NAME)'

.PHONY: clean
clean: ## remove what was built
	@rm -rf dist bin day log localstack/e2e/node_modules infra/node_modules

.PHONY: compiler
compiler:
	@build/toolchain.sh
