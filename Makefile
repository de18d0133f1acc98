# Everything sets up what it needs the first time: `make demo` and `make test` are enough on a fresh clone.
# Works with GNU make 3.81 (macOS) and newer.

BIN := .venv/bin
WEB := services/gateway/web
BUF := node_modules/.bin/buf
MODULES := immichvr_common immichvr_media immichvr_models immichvr_splats immichvr_local \
           immichvr_ai immichvr_converter immichvr_gateway immichvr_bench

# Stamps: the time of the last set-up of each kind.
PYTHON_READY := .venv/.ready
TOOLS_READY := node_modules/.ready
WEB_READY := $(WEB)/node_modules/.ready
VIEWER := $(WEB)/dist/index.html

PYPROJECTS := $(wildcard pyproject.toml packages/*/pyproject.toml services/*/pyproject.toml bench/pyproject.toml)
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null) \
               $(wildcard $(WEB)/*.html $(WEB)/vite.config.ts $(WEB)/tsconfig.json)

.PHONY: help setup demo up test fmt lint proto proto-baseline web samples bench-pipeline

help:
	@echo "make demo                    the whole system on this machine, with the sample photos"
	@echo "make demo PHOTOS=~/Pictures  the same with a folder of yours; ARGS=--once ends when the splats are made"
	@echo "make test                    all tests"
	@echo "make up PHOTOS=~/Pictures    the system without asking for splats; with IMMICH_URL and IMMICH_API_KEY, Immich's"
	@echo "make setup                   only set up"
	@echo "make fmt, make lint          formatting; ruff, mypy, buf, the viewer's checks"
	@echo "make proto                   generate the stubs; make proto-baseline renews what changes are checked against"
	@echo "make web                     build the viewer"
	@echo "make samples                 render the sample photos"
	@echo "make bench-pipeline          measure the cost of the pipeline around a model"
	@echo "make bench-gpu               measure the networks on this machine's GPU"
	@echo "make test-chaos              200 jobs while any process is killed at any moment; CHAOS_SEEDS=\"1 2 3\""
	@echo "make test-upstream           hold SHARP and Depth Anything 3 against upstream's own code"

setup: $(PYTHON_READY) $(TOOLS_READY) $(VIEWER)

demo: $(PYTHON_READY) $(VIEWER)
	$(BIN)/immichvr demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(ARGS)

up: $(PYTHON_READY) $(VIEWER)
	$(BIN)/immichvr up $(if $(PHOTOS),--photos "$(PHOTOS)") $(ARGS)

test: $(PYTHON_READY) $(TOOLS_READY) $(VIEWER)
	cd $(WEB) && npm test
	@tools/need.sh browser
	$(BIN)/python -m pytest $(ARGS)

fmt: $(PYTHON_READY) $(TOOLS_READY) $(WEB_READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .
	$(BUF) format -w
	cd $(WEB) && npm run fmt

lint: $(PYTHON_READY) $(TOOLS_READY) $(WEB_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(addprefix -p ,$(MODULES))
	$(BUF) lint
	$(BUF) format --diff --exit-code
	cd $(WEB) && npm run lint

proto: $(PYTHON_READY) $(TOOLS_READY)
	$(BUF) generate

proto-baseline: $(TOOLS_READY)
	$(BUF) build -o proto/baseline.binpb

web: $(VIEWER)

samples: $(PYTHON_READY)
	$(BIN)/python tools/make_samples.py

bench-pipeline: $(PYTHON_READY)
	$(BIN)/python -m immichvr_bench.pipeline $(ARGS)

$(PYTHON_READY): $(PYPROJECTS) constraints.txt tools/setup.sh
	@echo "setting up Python's packages; the first time this takes some minutes"
	@tools/setup.sh
	@touch $@

# Not `npm ci`: a lock written on one platform may lack the native packages of another.
$(TOOLS_READY): package.json package-lock.json
	@tools/need.sh node
	npm install --no-save --no-fund --no-audit
	@touch $@

$(WEB_READY): $(WEB)/package.json $(WEB)/package-lock.json
	@tools/need.sh node
	cd $(WEB) && npm install --no-save --no-fund --no-audit
	@touch $@

$(VIEWER): $(WEB_READY) $(WEB_SOURCES)
	cd $(WEB) && npm run build
	@touch $@

.PHONY: bench-convert bench-lod

# Converting against the peers, which are installed outside of the repository; ARGS=--quick for small inputs.
bench-convert: $(PYTHON_READY) $(TOOLS_READY)
	$(BIN)/python -m immichvr_bench.convert $(ARGS)

# Levels of detail against the clouds they stand for, and against splat-transform's.
bench-lod: $(PYTHON_READY) $(TOOLS_READY)
	$(BIN)/python -m immichvr_bench.lod $(ARGS)

.PHONY: test-chaos

# 200 jobs while any process is killed at any moment, for each of these seeds; `make test` does it with fewer.
CHAOS_SEEDS ?= 1 2 3
test-chaos: $(PYTHON_READY) $(VIEWER)
	CHAOS_SEEDS="$(CHAOS_SEEDS)" CHAOS_PHOTOS=160 CHAOS_SECONDS=40 $(BIN)/python -m pytest -s tests/faults/test_chaos.py $(ARGS)

.PHONY: test-upstream bench-gpu

# Our results against those of upstream's own code, which is installed apart: .venv/upstream.
test-upstream: $(PYTHON_READY)
	@tools/upstream.sh
	.venv/upstream/bin/python -m pytest -s tests/upstream $(ARGS)

.PHONY: bench-live

# Transport and packing of live splats, on one core; ARGS="--seconds 20" for steadier figures.
bench-live: $(PYTHON_READY)
	$(BIN)/python -m immichvr_bench.live $(ARGS)

# The networks on a GPU. The script alone does the same where nothing of ours is installed; see docs/performance.md.
bench-gpu: $(PYTHON_READY)
	$(BIN)/python bench/src/immichvr_bench/gpu.py --json bench/results/gpu.json $(ARGS)
