# Everything a fresh machine with Python 3.11, git and make needs. Try: make help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
DEMO := .venv/demo

.DEFAULT_GOAL := help
.PHONY: help demo bench bench-all models packs test test-long fuzz check format docs dist web clean

help: ## say what each target does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(DEMO) ## code a real photo, compare with JPEG, and put pictures into demo/
	$(BIN)/python benchmarks/demo.py

# How the published records were made, by the name of the set.
BENCH_kodak := --rates 0.005,0.01,0.02,0.03,0.05,0.07,0.1,0.15,0.2 --bpp 0.02,0.03,0.05,0.075,0.1 --no-fit --no-full-size
BENCH_faces := --bytes 200,340,600,1000 --positions even
BENCH_photos := --square 256 --bytes 200,340,600,1000 --positions even
PEERS := jpeg,jpeg2000,webp,avif,av1,jpegxl,heic,hevc,vvc-sets,vvc --recorded benchmarks/rivals
SET ?= kodak

bench: $(INSTALLED) ## repeat a published table: make bench PICTURES=DIR [SET=kodak|faces|photos]
	@test -d "$(PICTURES)" || { echo "name a folder: make bench PICTURES=DIR" >&2; exit 2; }
	mkdir -p bench
	$(BIN)/xcodec bench rd "$(PICTURES)" $(BENCH_$(SET)) --peers $(PEERS) --label $(SET) -f -o bench/$(SET).json
	$(BIN)/xcodec bench report bench/$(SET).json --pictures "$(PICTURES)" -f -o bench/$(SET).html

bench-all: $(INSTALLED) ## make every published record: make bench-all DATA=DIR; continues, and says how long it takes
	@test -d "$(DATA)" || { echo "name a folder of kodak/, faces/val/ and photos/val/: make bench-all DATA=DIR" >&2; exit 2; }
	$(BIN)/python benchmarks/bench_all.py "$(DATA)"

models: $(INSTALLED) ## train the weights again: make models DATA=DIR [MINUTES=25] [ONLY=photo,face] [DEVICE=cuda]
	@test -d "$(DATA)" || { echo "name a folder of pictures: make models DATA=DIR" >&2; exit 2; }
	$(BIN)/python scripts/make_models.py "$(DATA)" --minutes $(or $(MINUTES),25) --only "$(ONLY)" --device $(or $(DEVICE),cpu)

packs: $(INSTALLED) ## pack pictures, to train elsewhere: make packs DATA=DIR [OUT=packs] [ONLY=photo,face] [MINUTES=60]
	@test -d "$(DATA)" || { echo "name a folder of pictures: make packs DATA=DIR" >&2; exit 2; }
	$(BIN)/python scripts/pack_pictures.py "$(DATA)" -o "$(or $(OUT),packs)" --only "$(ONLY)" --minutes $(or $(MINUTES),inf)

test: $(INSTALLED) ## run the tests, all but the long ones
	$(BIN)/python -m pytest -n logical --dist loadfile

test-long: $(INSTALLED) ## run the long tests and keep their report in tests/long.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt build
	set -o pipefail; $(BIN)/python -m pytest -m long --durations=0 -rA | \
		sed -E 's|$(CURDIR)|.|; s|/[^ ]*/pytest-of-[^/]+/|tmp/|' | tee tests/long.txt

fuzz: $(INSTALLED) ## fuzz for half an hour (SECONDS=1800 JOBS=1, or up to EXECUTIONS=N) and add to tests/fuzz/report.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz.run --jobs $(or $(JOBS),1) \
		$(if $(EXECUTIONS),--executions $(EXECUTIONS),--seconds $(or $(SECONDS),1800))

check: $(INSTALLED) ## lint, formatting, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(INSTALLED) ## mend the formatting and what lint can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(INSTALLED) ## make the documentation site in site/
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	$(BIN)/python scripts/cli_reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@if test -f web/dist/xcodec.html; then cp web/dist/xcodec.* web/dist/service-worker.js web/dist/icon.svg site/; \
	else echo "the site is without the web page: make web"; fi

dist: $(INSTALLED) ## build wheel and sdist into dist/, with the web page where there is npm
	@if command -v npm >/dev/null; then $(MAKE) web; fi
	$(BIN)/python -m pip install --quiet build
	$(BIN)/python -m build --outdir dist .

web: ## build the decoder as a web page, web/dist/xcodec.html, and as a module: needs Node 20 and npm
	@command -v npm >/dev/null || { echo "no npm: the page was left out; it needs Node 20 or later" >&2; exit 2; }
	cd web && npm ci --no-audit --no-fund && npm run build

clean: ## remove the environment, caches and the demo's pictures
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis bench demo build dist site *.egg-info
	rm -rf web/node_modules web/build web/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): EXTRAS := dev,demo,bench,train
$(DEMO): EXTRAS := demo,torch
$(INSTALLED) $(DEMO): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

test-long: SHELL := bash
