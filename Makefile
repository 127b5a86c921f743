# Everything but `generate` needs Node.js 20 or newer and npm; a current Node is installed with the other packages.
.PHONY: start test generate conformance example bench lint build install

ARGS ?=
bin := node_modules/.bin
installed := node_modules/.package-lock.json

start: $(installed)
	@npm run -s touchstone -- start --consent auto $(ARGS)

test: $(installed)
	@npm test -s

generate: $(installed)
	@SPEC_DIR=$(SPEC_DIR) $(bin)/node spec/generate.ts $(ARGS)

conformance: $(installed)
	@$(bin)/node conformance/runner/main.ts --start $(ARGS)

bench: $(installed)
	@$(bin)/node bench/main.ts $(ARGS)

lint: $(installed)
	@$(bin)/node node_modules/@typescript/native/bin/tsc -p .
	@$(bin)/biome check

build: $(installed)
	@$(bin)/node node_modules/@typescript/native/bin/tsc -p tsconfig.build.json

install: $(installed)
$(installed): package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
