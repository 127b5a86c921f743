# Needs Node.js 20 or newer and npm; the packages include a current Node.js, which runs everything. `generate` needs Java.
.PHONY: start test nightly browser-test generate generate-test drift conformance conformance-selftest dredd grade-selftest example examples-test mutants chaos bench lint build package-test install

ARGS ?=
bin := node_modules/.bin
tsc := $(bin)/node node_modules/@typescript/native/bin/tsc
installed := node_modules/.package-lock.json
# Every process of a target would compile the sources again.
export NODE_COMPILE_CACHE ?= $(CURDIR)/node_modules/.cache/compiled

# Grants are consented automatically; `make start ARGS='--consent manual'` asks a person. Ctrl-C ends it.
start: $(installed)
	@exec $(bin)/node bin/touchstone.mjs start --consent auto $(ARGS)

# Every test file, with a PostgreSQL server of its own if PostgreSQL is installed; ARGS='test/auth/*.test.ts' for some of them.
test: $(installed)
	@npm test -s -- $(ARGS)

# The consent pages and the HTML report in Chromium (/usr/bin/chromium, or TOUCHSTONE_CHROMIUM). TOUCHSTONE_SCREENSHOTS=1 updates
# test/browser/screenshots.
browser-test: $(installed)
	@chromium="$${TOUCHSTONE_CHROMIUM:-/usr/bin/chromium}"; [ -x "$$chromium" ] || \
	  { echo "$$chromium does not exist: install Chromium, or set TOUCHSTONE_CHROMIUM to its path." >&2; exit 1; }
	@$(bin)/node --test test/browser/*.browser.ts

# Random input with a random seed, which is printed: the properties, and long runs of the models, whose last figures are
# in test/model/figures.md; then the mutants that the model of the money must notice; then the properties of conformance.
nightly: $(installed)
	@$(bin)/node test/run.ts --seed random
	@$(bin)/node test/model/main.ts --figures test/model/figures.md $(ARGS)
	@$(bin)/node --import ./test/mutants/register.ts test/model/mutants.ts money --seed random
	@$(bin)/node bin/touchstone.mjs check --start --profile both --properties --only '^property' --seed random --cases 400

generate: $(installed)
	@$(bin)/node codegen/report-schema.ts $(filter --check,$(ARGS))
	@$(bin)/node codegen/generate.ts $(ARGS)

# Documents with an added operation, a renamed member and a removed status: what the compiler and the suite say. Needs Java.
generate-test: $(installed)
	@$(bin)/node --test test/codegen/changed-specification.ts

# What differs between the documents in use and those in SPEC_DIR.
drift: $(installed)
	@$(bin)/node codegen/drift.ts

# All checks in both profiles, the properties, and Dredd; ARGS='--database-url postgresql://…' for PostgreSQL.
conformance: $(installed)
	@$(bin)/node bin/touchstone.mjs check --start --profile both --strict --properties --dredd $(ARGS)

# Mutants derived from the documents, servers that answer nothing of what was asked, and Dredd against mutated servers.
conformance-selftest: $(installed)
	@$(bin)/node test/conformance/selftest/main.ts $(ARGS)

# Only the part of `make conformance` in which Dredd compares every declared answer. The first run installs its packages.
dredd: $(installed)
	@$(bin)/node bin/touchstone.mjs check --start --strict --dredd --only '^dredd\.' $(ARGS)

# schemathesis sends generated requests; ARGS=--short for half a minute. Python packages are installed by the first run.
fuzz: $(installed)
	@$(bin)/node conformance/fuzz/run.ts $(ARGS)

# Checks a small ASE that shares no code with Touchstone, and looks for each of its known faults.
.PHONY: second-ase
second-ase: $(installed)
	@$(bin)/node conformance/second-ase/main.ts $(ARGS)

# All checks against a world that they know over https only: split origins, paths, a private authority, no control API.
.PHONY: check-behind-proxy
check-behind-proxy: $(installed)
	@$(bin)/node test/conformance/check-behind-proxy.ts $(ARGS)

# Grades clients of which each violates one requirement, and good ones.
grade-selftest: $(installed)
	@$(bin)/node test/grade/selftest/main.ts $(ARGS)

# Breaks one rule of the server at a time and expects the checks, or the test that the mutant names, to fail.
mutants: $(installed)
	@$(bin)/node --import ./test/mutants/register.ts test/mutants/main.ts $(ARGS)

# Two ASEs in four processes pay each other while processes, databases and connections are killed; ARGS=--short for a minute.
chaos: $(installed)
	@$(bin)/node test/chaos/main.ts $(ARGS)

# A payment with the official Node client, then its history, as the README shows.
example: $(installed)
	@$(bin)/node examples/run.ts examples/node/pay.mjs
	@$(bin)/node examples/run.ts examples/node/history.mjs

# Grades the example of each language as docs/grade.md says, and follows docs/fixtures.md; ARGS='--only java' for one.
examples-test: $(installed)
	@$(bin)/node test/examples/main.ts $(ARGS)

# The unmodified suites of the official SDKs, cloned from GitHub, as the READMEs of examples/ say. Skips those whose
# toolchain is absent. Needs Linux; ARGS=--from=DIR reads clones in DIR instead of GitHub.
.PHONY: sdk-suites fixtures-test
sdk-suites: $(installed)
	@$(bin)/node test/sdk-suites/main.ts $(ARGS)

# Follows the sections of docs/fixtures.md that need packages of npm and Maven, and port 4000.
fixtures-test: $(installed)
	@$(bin)/node test/examples/main.ts --slow $(ARGS)

# CPU time per request against a hand-written floor and bench/figures.md; ARGS=--help lists the options. Needs PostgreSQL.
bench: $(installed)
	@$(bin)/node bench/main.ts $(ARGS)

# Where the server's time goes, by folder and package.
.PHONY: bench-profile
bench-profile: $(installed)
	@$(bin)/node bench/profile.ts $(ARGS)

# Cost against database size, up to a million payments (half an hour), and that of two equal processes on one database.
.PHONY: bench-scale bench-processes
bench-scale: $(installed)
	@$(bin)/node bench/scale.ts $(ARGS)
bench-processes: $(installed)
	@$(bin)/node bench/two-processes.ts $(ARGS)

# Rolling restarts behind HAProxy; an open loop at twice the capacity; latency against load. Plots of the committed results.
.PHONY: bench-rolling bench-overload bench-load bench-plots
bench-rolling: $(installed)
	@$(bin)/node bench/rolling-restart.ts $(ARGS)
bench-overload: $(installed)
	@$(bin)/node bench/overload.ts $(ARGS)
bench-load: $(installed)
	@$(bin)/node bench/load-curve.ts $(ARGS)
bench-plots: $(installed)
	@$(bin)/node bench/plots/main.ts

# The phases of a start; memory; payments of many packets over a link with latency; payments a second between two ASEs.
.PHONY: bench-start bench-packets bench-memory bench-stream
bench-start: $(installed) build
	@$(bin)/node bench/start.ts $(ARGS)
bench-memory: $(installed)
	@$(bin)/node bench/memory.ts $(ARGS)
bench-packets: $(installed)
	@$(bin)/node bench/in-flight.ts $(ARGS)
bench-stream: $(installed)
	@$(bin)/node bench/stream.ts $(ARGS)

lint: $(installed)
	@$(tsc) -p .
	@$(bin)/biome check
	@$(bin)/node node_modules/knip/bin/knip.js
	@$(bin)/node --test --test-reporter=dot test/mutants/names.ts

# The program and the library in a bundle, and the checks, which are a separate program.
build: $(installed)
	@rm -rf dist && $(bin)/node codegen/bundle.ts
	@$(bin)/node src/database/build-template.ts dist/src
	@$(tsc) --ignoreConfig src/index.ts --outDir dist/src --declaration --emitDeclarationOnly --noCheck --noResolve \
	  --module nodenext --lib es2024,esnext.disposable
	@if [ -d conformance ]; then $(tsc) -p tsconfig.build.json && \
	  for file in generated/*/document.json generated/*/validators.js; do mkdir -p dist/$${file%/*} && cp $$file dist/$$file; done && \
	  cp -r conformance/requirements conformance/vectors conformance/figures.json dist/conformance/; fi

# A clean install of the packed program, its command and library, the steps of the Dockerfile and those of the action.
package-test: $(installed)
	@$(bin)/node --test test/package/packed.ts test/package/dockerfile.ts test/package/action.ts

install: $(installed)
$(installed): package-lock.json
	@node bin/install.mjs
	@touch $@
