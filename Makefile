# Everything is run from here. `make` alone says what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# One build at a time: Cargo uses all cores by itself.
.NOTPARALLEL:

# Builds lie outside of the clone, so that a fresh clone finds what another has built.
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pith
export CARGO_TARGET_DIR ?= $(cache)/target
export PATH := $(shell .ci/tools.sh)/bin:$(PATH)

plugins := $(CARGO_TARGET_DIR)/plugins
test_plugins := $(CARGO_TARGET_DIR)/test-plugins
pith := $(CARGO_TARGET_DIR)/release/pith
fixture_upstream := $(CARGO_TARGET_DIR)/release/fixture-upstream

# The server takes the plugins in this folder into itself. The same for every call, since
# Cargo builds anew what was built with another value.
cargo := PITH_EMBED_DIR=$(plugins) cargo
# Native tests of what is built for WebAssembly, each a workspace of its own.
guests := sdk/rust plugins-wasm tests/plugins
nextest := $(cargo) nextest run --release --config-file tests/nextest.toml

.PHONY: help
help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: setup-run build $(fixture_upstream) ## build, start, mirror the bundled sample, serve until Ctrl-C
	@examples/serve-sample.sh $(pith) $(fixture_upstream)

.PHONY: build
build: plugins ## the server with its plugins, at release/pith below the target folder
	$(cargo) build --release --package pith

.PHONY: plugins
plugins: ## the plugins as WebAssembly
	plugins-wasm/build.sh $(plugins)

.PHONY: test-plugins
test-plugins: ## the plugins that misbehave in tests
	plugins-wasm/build.sh $(test_plugins) tests/plugins

.PHONY: $(fixture_upstream)
$(fixture_upstream):
	$(cargo) build --release --package pith-fixture-upstream

.PHONY: test
test: setup-test unit guests integration document ## every test, the suite on SQLite and on PostgreSQL

.PHONY: unit
unit: plugins ## the tests inside the crates
	$(nextest) --workspace --exclude pith-tests
	$(cargo) test --release --workspace --exclude pith-tests --doc --quiet

.PHONY: guests
guests: ## the native tests of the SDK and of the plugins
	for guest in $(guests); do \
	  CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/guests cargo test --quiet --manifest-path $$guest/Cargo.toml; \
	done

.PHONY: integration
integration: build test-plugins ## the suite against the built server; TESTS=name chooses some
	PITH_EMBED_DIR=$(plugins) PITH_BIN=$(pith) PITH_TEST_PLUGINS=$(test_plugins) \
	  tests/run.sh $(TESTS)

.PHONY: document
document: setup-test build ## hold the server against its OpenAPI document, for DOCUMENT_SECONDS=60
	tests/document/run.sh $(pith) $(or $(DOCUMENT_SECONDS),60)

.PHONY: clients
clients: setup-clients build $(fixture_upstream) ## real clients against a real server
	tests/clients/run.sh $(pith) $(fixture_upstream)

.PHONY: test-all
test-all: setup-test setup-clients unit guests build test-plugins $(fixture_upstream) ## also what takes long: hundreds of kills, 10 GB
	PITH_EMBED_DIR=$(plugins) PITH_BIN=$(pith) PITH_TEST_PLUGINS=$(test_plugins) PITH_TEST_KILLS=100 \
	  tests/run.sh --features heavy
	tests/document/run.sh $(pith) 600
	SEED=$$(date +%s) PICKS=200 tests/clients/run.sh $(pith) $(fixture_upstream) \
	  $(CURDIR)/tests/clients/rpm_solving.sh

.PHONY: lint
lint: setup-lint plugins ## format, lints, docs, licenses, unused dependencies, scripts, house rules
	.ci/lint.sh $(plugins) $(guests)

.PHONY: format
format: ## put the code into the form that lint wants
	cargo fmt --all
	for guest in $(guests); do cargo fmt --all --manifest-path $$guest/Cargo.toml; done

.PHONY: bench
bench: setup-bench build $(fixture_upstream) ## measure; PEER_BASE=URL measures another server beside it
	tests/bench/run.sh $(pith) $(fixture_upstream)

.PHONY: doctor
doctor: build ## what the server says of its own state below .pith-data
	$(pith) doctor --data-dir .pith-data

.PHONY: setup-%
setup-%:
	@tests/setup.sh $*
