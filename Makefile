# Everything that is done with this repository. `make` alone says what there is.
#
# `make test` is what CI runs, what is cheap first. Nothing is left out silently, and with CI=true nothing at all.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test bench faults fuzz host-up host-down format lint deny unit sealed each-fault oracle drift generate install-trial shellcheck \
	host-test real archive summary

# One set of features for every run, so that nothing is compiled twice.
CARGO_TEST := cargo test --locked --all-features
CARGO_DENY_VERSION := 0.20.2
# What the last run of each kind of test said, for the closing lines of `make test`.
RAN := target/ran
HOST_STATE := $(or $(VC_HOST_STATE),tests/host/.state)
SHELL_SCRIPTS := .ci/run install.sh tests/agent.sh tests/demo.sh tests/faults.sh tests/install.sh tests/deny.sh tests/fuzz/run tests/host/host

# Runs tests, keeping what they print. Usage: $(call run_tests,KIND,ARGUMENTS)
define run_tests
@mkdir -p $(RAN)
@echo '$(CARGO_TEST) $(2)'
@set -o pipefail; $(CARGO_TEST) $(2) | tee $(RAN)/$(1)
endef

help: ## say what there is (this)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make demo HOST=CONTEXT takes the host that this context of your kubeconfig leads to.'
	@echo '  README.md says what `make demo` and `make test` need.'

demo: ## create a virtual cluster on a real Kubernetes, run something in it, delete it
	@HOST='$(HOST)' tests/demo.sh

test: ## everything CI runs
	@rm -rf $(RAN) && mkdir -p $(RAN)
	@$(MAKE) --no-print-directory format lint deny unit sealed drift install-trial
	@if [ "$$CI" = true ] || { [ "$$(uname -s)" = Linux ] && [ "$$(id -u)" = 0 ]; }; then \
	  $(MAKE) --no-print-directory oracle shellcheck host-test real; \
	else \
	  if command -v go >/dev/null; then $(MAKE) --no-print-directory oracle; \
	  else echo 'the template engine beside the real Helm: it needs Go' >>$(RAN)/skipped; fi; \
	  echo 'the tests on a real Kubernetes: they need Linux and root' >>$(RAN)/skipped; \
	  if command -v shellcheck >/dev/null; then $(MAKE) --no-print-directory shellcheck; \
	  else echo 'shellcheck: it is not installed' >>$(RAN)/skipped; fi; \
	fi
	@$(MAKE) --no-print-directory summary

summary:
	@echo
	@if [ -s $(RAN)/skipped ]; then sed 's/^/NOT RUN: /' $(RAN)/skipped; fi
	@cd $(RAN) && for kind in unit sealed oracle drift real; do \
	  if [ -e $$kind ]; then sed -n "s/^test result:/$$(printf %-7s $$kind)&/p" $$kind; fi; \
	done

bench: ## measure what the project promises, on a real host
	@[ -n "$$VC_BENCH_KUBECONFIG" ] || tests/host/host up
	cargo bench --locked --all-features --bench vc

faults: ## break a real host of its own in many ways, and see what a user sees (Linux, root; 8 minutes)
	cargo build --locked --release
	tests/host/host build
	tests/faults.sh target/release/vc

fuzz: ## give every parser random input, and compare generated charts with Helm: TIME=60 seconds each, or TARGET=NAME alone
	@[ '$(TARGET)' = oracle ] || TIME='$(TIME)' TARGET='$(TARGET)' tests/fuzz/run
	@[ -n '$(filter-out oracle,$(TARGET))' ] || \
	  VC_ORACLE_SECONDS=$(or $(VC_ORACLE_SECONDS),$(TIME),60) $(CARGO_TEST) --test oracle -- --ignored --nocapture _go_on_

host-up: ## start the project's own Kubernetes (Linux, root; the first time builds it, about 8 minutes)
	tests/host/host up

host-down: ## end it
	tests/host/host down

format: ## is everything formatted?
	cargo fmt --check

lint: ## clippy, warnings refused; the fuzz targets too
	cargo clippy --locked --all-targets --all-features -- -D warnings
	@cp Cargo.lock tests/fuzz/Cargo.lock
	CUSTOM_LIBFUZZER_PATH=/not/built/libfuzzer.a cargo clippy --manifest-path tests/fuzz/Cargo.toml --target-dir target --all-targets -- -D warnings

deny: ## licences, bans, sources and, where the database can be fetched, advisories
	@CARGO_DENY_VERSION=$(CARGO_DENY_VERSION) RAN=$(RAN) tests/deny.sh

unit: ## tests of the library alone
	$(call run_tests,unit,--lib)

sealed: ## tests of the real program against a host in memory
	$(call run_tests,sealed,--test cli)

each-fault: ## each request of each command goes wrong in every way, each command is stopped in every way (minutes)
	$(call run_tests,each-fault,--test cli -- --ignored)

oracle: ## the template engine beside the real Helm 3 and 4 (Go; the first time builds them, about 3 minutes)
	@command -v go >/dev/null || { echo 'Go is not installed: https://go.dev/doc/install'; exit 1; }
	$(call run_tests,oracle,--test oracle)

drift: ## are generated files what would be generated now?
	$(call run_tests,drift,--test drift)

generate: ## write the generated files anew
	VC_GENERATE=1 $(CARGO_TEST) --test drift
	VC_GENERATE=1 $(CARGO_TEST) --test cli transcript

install-trial: ## a trial run of install.sh
	tests/install.sh

shellcheck: ## look at every shell script
	@PATH="$$PATH:$(abspath $(HOST_STATE))/bin"; \
	command -v shellcheck >/dev/null || tests/host/host build; \
	echo "shellcheck $(SHELL_SCRIPTS)"; shellcheck $(SHELL_SCRIPTS)
	@found=$$(git ls-files -co --exclude-standard | while read -r file; do \
	  [ -f "$$file" ] && head -n 1 "$$file" | grep -qE '^#!.*\b(ba)?sh\b' && echo "$$file"; done | LC_ALL=C sort); \
	[ "$$found" = "$$(printf '%s\n' $(SHELL_SCRIPTS) | LC_ALL=C sort)" ] \
	  || { echo 'SHELL_SCRIPTS in the Makefile is not the list of shell scripts:'; echo "$$found"; exit 1; }

host-test: ## tests of the project's own Kubernetes
	cd tests/host && test -z "$$(gofmt -l .)" && CGO_ENABLED=0 go vet -trimpath ./... && CGO_ENABLED=0 go test -trimpath ./...

real: host-up ## the same stories on the project's own Kubernetes, which keeps running
	$(call run_tests,real,--test cluster)

archive: ## a release archive with its checksum, below target/archive
	cargo build --locked --release
	@set -e; \
	name=vc-$$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)-$$(rustc -vV | sed -n 's/^host: //p'); \
	folder=target/archive/$$name; rm -rf $$folder*; mkdir -p $$folder; \
	cp -R target/release/vc completions install.sh LICENSE README.md CHANGELOG.md $$folder/; \
	cd target/archive; tar -czf $$name.tar.gz $$name; rm -r $$name; \
	{ command -v sha256sum >/dev/null && sha256sum $$name.tar.gz || shasum -a 256 $$name.tar.gz; } >$$name.tar.gz.sha256; \
	echo "target/archive/$$name.tar.gz"
