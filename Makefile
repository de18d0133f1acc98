# Everything sets up what it needs the first time: `make demo` and `make test` are enough on a fresh clone.
# Works with GNU make 3.81 (macOS) and newer.

BIN := .venv/bin
WEB := services/gateway/web
PLUGIN := services/gateway/immich-plugin
BUF := node_modules/.bin/buf
# Asked when it is used: there is no Python before the set-up.
MODULES = $(shell $(BIN)/python tools/workspace.py modules)

# Hundreds of processes start in a run of the tests: where Python may not keep what it has compiled, as images often
# say, each of them spends seconds on compiling.
export PYTHONDONTWRITEBYTECODE :=

# A file's tests stay in one process, and with them those of other files that share a stack (conftest.py): what they
# share is made once. Each process takes up to 1.5 GB.
PARALLEL := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Where tests are that run with nothing beside them: reading all the others for their sake takes most of a minute.
ALONE = $(shell grep -rl --include='test_*.py' 'mark\.alone' tests $(wildcard */*/tests bench/tests))

# What failed in the crowd runs once more by itself: a stall of the machine passes then, a fault fails again.
ONCE_MORE := test $$? = 1 && $(BIN)/python -m pytest --last-failed --last-failed-no-failures none --maxfail 20 -m "not long and not alone"

# Stamps: the time of the last set-up of each kind.
PYTHON_READY := .venv/.ready
KERNELS_READY := .venv/.warm
TOOLS_READY := node_modules/.ready
WEB_READY := $(WEB)/node_modules/.ready
PLUGIN_READY := $(PLUGIN)/node_modules/.ready
VIEWER := $(WEB)/dist/index.html
FIXTURES := $(WEB)/dev/.fixtures/index.json

PYPROJECTS := $(wildcard pyproject.toml $(addsuffix /pyproject.toml,packages/* services/* apps/* bench))
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null) \
               $(wildcard $(WEB)/*.html $(WEB)/vite.config.ts $(WEB)/tsconfig.json)

.PHONY: help setup demo up test test-browser test-long fmt lint proto proto-baseline generated web samples bench-pipeline

help:
	@echo "make demo                    the whole system on this machine, with the sample photos"
	@echo "make demo PHOTOS=~/Pictures  the same with a folder of yours; ARGS=--once ends when the splats are made"
	@echo "make test                    all tests but the longest, which make test-long runs; ARGS=path for some"
	@echo "make up PHOTOS=~/Pictures    the system without asking for splats; with IMMICH_URL and IMMICH_API_KEY, Immich's"
	@echo "make test-browser            the viewer's tests in a browser; make test-long ends with them"
	@echo "make setup                   only set up"
	@echo "make fmt, make lint          formatting; ruff, mypy, buf, the viewer's checks"
	@echo "make proto                   generate the stubs; make proto-baseline renews what changes are checked against"
	@echo "make generated               write anew what is made of the catalogue and of the API's description"
	@echo "make web                     build the viewer"
	@echo "make samples                 render the sample photos"
	@echo "make bench-pipeline          measure the cost of the pipeline around a model"
	@echo "make bench-render            measure the rasterizer, phase by phase"
	@echo "make bench-viewer            measure the first look of the viewer; make pictures takes those of its page"
	@echo "make bench-gpu               measure the networks on this machine's GPU"
	@echo "make test-chaos              200 jobs while any process is killed at any moment; CHAOS_SEEDS=\"1 2 3\""
	@echo "make helm-check              hold the chart: rendered in every way, against schemas, settings and the architecture"
	@echo "make licences                what images hold, under which licences; make hashes holds it to its files"
	@echo "make test-upstream           hold SHARP and Depth Anything 3 against upstream's own code"

setup: $(KERNELS_READY) $(TOOLS_READY) $(VIEWER) $(PLUGIN_READY)

demo: $(KERNELS_READY) $(VIEWER)
	$(BIN)/immichvr demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(ARGS)

up: $(KERNELS_READY) $(VIEWER)
	$(BIN)/immichvr up $(if $(PHOTOS),--photos "$(PHOTOS)") $(ARGS)

test: $(KERNELS_READY) $(TOOLS_READY) $(VIEWER) $(PLUGIN_READY)
	cd $(WEB) && npm test
	cd $(PLUGIN) && npm test
	@tools/need.sh browser
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest -m "not long and not alone" $(PARALLEL) || { $(ONCE_MORE); }
	$(BIN)/python -m pytest -m "alone and not long" $(ALONE)
endif

# The viewer in a browser, every place and state of it, against a gateway of invented photos.
test-browser: $(VIEWER) $(FIXTURES)
	cd $(WEB) && npm run test:browser

# What takes long and changes seldom, for the night.
test-long: $(KERNELS_READY) $(TOOLS_READY) $(VIEWER) $(FIXTURES)
	@tools/need.sh browser
	$(BIN)/python -m pytest -m long $(PARALLEL) $(ARGS)
	cd $(WEB) && LONG=1 npm run test:browser

fmt: $(PYTHON_READY) $(TOOLS_READY) $(WEB_READY) $(PLUGIN_READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .
	$(BUF) format -w
	cd $(WEB) && npm run fmt
	cd $(PLUGIN) && npm run fmt

lint: $(PYTHON_READY) $(TOOLS_READY) $(WEB_READY) $(PLUGIN_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(addprefix -p ,$(MODULES))
	$(BUF) lint
	$(BUF) format --diff --exit-code
	cd $(WEB) && npm run lint
	cd $(PLUGIN) && npm run lint

proto: $(PYTHON_READY) $(TOOLS_READY)
	$(BUF) generate

proto-baseline: $(TOOLS_READY)
	$(BUF) build -o proto/baseline.binpb

generated: $(PYTHON_READY) $(TOOLS_READY)
	$(BIN)/python -m immichvr_catalog > $(WEB)/src/api/catalog.json.new
	mv $(WEB)/src/api/catalog.json.new $(WEB)/src/api/catalog.json
	$(BIN)/python tools/tables.py
	$(BIN)/python tools/metrics.py
	$(BIN)/python tools/chart.py all
	$(BIN)/python tools/settings.py
	$(BIN)/python tools/compose.py
	$(BIN)/python tools/operation_ids.py
	$(BIN)/python -m immichvr_gateway.openapi > $(WEB)/openapi.json.new
	node_modules/.bin/openapi-typescript $(WEB)/openapi.json.new -o $(WEB)/src/api/openapi.ts
	rm $(WEB)/openapi.json.new

web: $(VIEWER)

samples: $(PYTHON_READY)
	$(BIN)/python tools/make_samples.py

bench-pipeline: $(KERNELS_READY)
	$(BIN)/python -m immichvr_bench.pipeline $(ARGS)

$(PYTHON_READY): $(PYPROJECTS) constraints.txt tools/setup.sh tools/workspace.py
	@echo "setting up Python's packages; the first time this takes some minutes"
	@tools/setup.sh
	@touch $@

# Compiled once and kept on disk, so that neither the first photo nor a test waits for it. Nothing that only reads the
# code does: `make -j2 setup lint` takes no longer for it.
$(KERNELS_READY): $(PYTHON_READY)
	@echo "compiling kernels; this takes some minutes once"
	@tools/warm.sh
	@touch $@

# Not `npm ci`: a lock written on one platform may lack the native packages of another.
$(TOOLS_READY): package.json package-lock.json
	@tools/need.sh node
	npm install --no-save --no-fund --no-audit
	@touch $@

$(WEB_READY) $(PLUGIN_READY): %/node_modules/.ready: %/package.json %/package-lock.json
	@tools/need.sh node
	cd $* && npm install --no-save --no-fund --no-audit
	@touch $@

$(FIXTURES): $(PYTHON_READY) $(wildcard $(WEB)/dev/make_*.py)
	$(BIN)/python $(WEB)/dev/make_fixtures.py

$(VIEWER): $(WEB_READY) $(WEB_SOURCES)
	cd $(WEB) && npm run build
	@touch $@

.PHONY: bench-convert bench-lod bench-render

# Converting against the peers, which are installed outside of the repository; ARGS=--quick for small inputs.
bench-convert: $(KERNELS_READY) $(TOOLS_READY)
	$(BIN)/python -m immichvr_bench.convert $(ARGS)

# Levels of detail against the clouds they stand for, and against splat-transform's.
bench-lod: $(KERNELS_READY) $(TOOLS_READY)
	$(BIN)/python -m immichvr_bench.lod $(ARGS)

# The rasterizer of immichvr_splats, by phase.
bench-render: $(KERNELS_READY)
	$(BIN)/python -m immichvr_bench.render $(ARGS)

.PHONY: test-chaos

# 200 jobs while any process is killed at any moment, for each of these seeds; `make test-long` does it with fewer.
CHAOS_SEEDS ?= 1 2 3
test-chaos: $(KERNELS_READY) $(VIEWER)
	CHAOS_SEEDS="$(CHAOS_SEEDS)" CHAOS_PHOTOS=160 CHAOS_SECONDS=40 $(BIN)/python -m pytest -s -m long tests/faults/test_chaos.py $(ARGS)

.PHONY: helm-check

# What proves the chart without a cluster; `make test` does it too, and changes the chart to see that it is noticed.
helm-check: $(PYTHON_READY)
	$(BIN)/python tools/chart.py all --check
	$(BIN)/python -m immichvr_helm_check

.PHONY: test-upstream bench-gpu

# Our results against those of upstream's own code, which is installed apart: .venv/upstream.
test-upstream: $(PYTHON_READY)
	@tools/upstream.sh
	.venv/upstream/bin/python -m pytest -s tests/upstream $(ARGS)

.PHONY: bench-waking

# How long a worker takes from the start of its process to its first job; ARGS="--rounds 5" for steadier figures.
bench-waking: $(KERNELS_READY)
	$(BIN)/python -m immichvr_bench.waking $(ARGS)

.PHONY: bench-gateway

# 50,000 photos behind a gateway, 500 clients, memory over ten minutes; ARGS=--quick to see it run.
bench-gateway: $(KERNELS_READY)
	$(BIN)/python -m immichvr_bench.gateway $(ARGS)

.PHONY: bench-video

# What the engine of video depth adds, and its memory; ARGS=--long with ten minutes.
bench-video: $(KERNELS_READY)
	$(BIN)/python -m immichvr_bench.video $(ARGS)

.PHONY: bench-motion

# What a motion clip of three seconds takes, on the CPU
bench-motion: $(KERNELS_READY)
	$(BIN)/python -m immichvr_bench.motion

.PHONY: bench-scenes

# How well places are made of pictures, on the CPU: training, and a shake of the hand against one photo
bench-scenes: $(KERNELS_READY)
	$(BIN)/python -m immichvr_bench.places --json bench/results/scenes.json $(ARGS)
	$(BIN)/python -m immichvr_bench.completion --json bench/results/scenes.json --pictures docs/images/completion

.PHONY: bench-live

# Transport and packing of live splats, on one core; ARGS="--seconds 20" for steadier figures.
bench-live: $(KERNELS_READY)
	$(BIN)/python -m immichvr_bench.live $(ARGS)

.PHONY: bench-viewer pictures

# First look of the built viewer, and points drawn in every way, in a browser with software rendering.
bench-viewer: $(VIEWER) $(FIXTURES)
	node $(WEB)/dev/bench.mjs bench/results/viewer.json
	node $(WEB)/dev/pointsBench.mjs --json bench/results/viewer.json

# The pictures of docs/viewer.md.
pictures: $(VIEWER) $(FIXTURES)
	node $(WEB)/dev/pictures.mjs

# The networks on a GPU. The script alone does the same where nothing of ours is installed; see docs/performance.md.
bench-gpu: $(KERNELS_READY)
	$(BIN)/python bench/src/immichvr_bench/gpu.py --json bench/results/gpu.json $(ARGS)

.PHONY: hashes licences

# The hashes of what images install, anew: after a change of constraints.txt or of what a distribution needs.
hashes: $(PYTHON_READY)
	$(BIN)/python tools/hashes.py

# What images hold, under which licences; fails on what may not be in one.
licences: $(PYTHON_READY)
	$(BIN)/python tools/licences.py
