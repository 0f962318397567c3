# The commands of the project; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash

.DEFAULT_GOAL := help

.PHONY: help
help:
	@echo "make demo        run a query job and a graph job on the C. elegans connectome, and draw it"
	@echo "make lab         open JupyterLab on the first notebook"
	@echo "make check       lint, and the fast unit tests: under a minute, before each commit"
	@echo "make test        run the whole test suite"
	@echo "make test-faults run the fault suite at length (SYNDB_STORM_JOBS, SYNDB_STORM_SEED)"
	@echo "make test-security run the sandbox's tests at length (SYNDB_FUZZ_STATEMENTS, SYNDB_FUZZ_SEED, SYNDB_BOMB_S)"
	@echo "make soak        10,000 jobs of all kinds and what goes wrong around them: it ends where it began (SYNDB_SOAK_JOBS, SYNDB_SOAK_S)"
	@echo "make test-results hold every value of random results against DuckDB (SYNDB_RESULTS_SEED, SYNDB_RESULTS_CASES)"
	@echo "make test-package install the built wheel and its dependencies afresh, and run the demo from it"
	@echo "make bench       measure what jobs cost beside what a user would pick instead, and write the tables"
	@echo "make bench-quick the same in about a minute, for function: no table is written"
	@echo "make bench-graph measure graph analyses of whole brains beside NetworkX and igraph"
	@echo "make bench-card  measure how long a change of a job takes to reach the screen"
	@echo "make lint        check style (ruff), types (mypy) and architecture (import-linter)"
	@echo "make format      put the code into its format"
	@echo "make notebooks   run the notebooks and save them with what they show"
	@echo "make pictures    take the README's pictures from the running product"
	@echo "make data        convert the C. elegans tables again: make data FROM=FOLDER"
	@echo "make pins        pin again what Binder installs (binder/requirements.txt), at what is newest today"
	@echo "make clean       remove the environment and everything that was built"

# One stamp a set of extras: a target installs what it needs and nothing twice.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) can't make virtual environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

KERNELS := hatch_build.py $(wildcard service/syndb_service/graph/kernels/*.[ch] service/syndb_service/graph/kernels/build.py)

$(VENV)/.user-stamp: pyproject.toml $(KERNELS) | $(VENV)/bin/python
	@echo "Installing syndb-lab into $(VENV) (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[service,lab]'
	@touch $@

$(VENV)/.bench-stamp: $(VENV)/.dev-stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[service,lab,dev,bench]'
	@touch $@

$(VENV)/.dev-stamp: pyproject.toml $(KERNELS) | $(VENV)/bin/python
	@echo "Installing syndb-lab with what its tests need into $(VENV) (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[service,lab,dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target $(VENV)/share/ipykernel-6.31 'ipykernel==6.31.0' 'nest-asyncio>=1.4'
	@touch $@ $(VENV)/.user-stamp

.PHONY: demo
demo: $(VENV)/.user-stamp
	@$(BIN)/python -m syndb_lab.demo

.PHONY: lab
lab: $(VENV)/.user-stamp
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/01_first_query.ipynb

# What takes long has the marker slow; make test runs it too.
.PHONY: check
check: lint
	$(BIN)/python -m pytest -q -n logical --dist loadfile -m "not slow" tests/unit

.PHONY: test
test: $(VENV)/.dev-stamp
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=15

.PHONY: test-faults
test-faults: $(VENV)/.dev-stamp
	SYNDB_FAULTS=long SYNDB_STORM_JOBS=$${SYNDB_STORM_JOBS:-150} $(BIN)/python -m pytest -q -s tests/faults

.PHONY: test-security
test-security: $(VENV)/.dev-stamp
	SYNDB_FUZZ_STATEMENTS=$${SYNDB_FUZZ_STATEMENTS:-50000} SYNDB_BOMB_S=$${SYNDB_BOMB_S:-5} \
	  $(BIN)/python -m pytest -q -s tests/security tests/unit/service/test_validator.py

.PHONY: soak
soak: $(VENV)/.dev-stamp
	SYNDB_WAITS=$${SYNDB_WAITS:-10000} $(BIN)/python -m pytest -q tests/unit/lab/test_lab_many_waits.py
	SYNDB_SOAK_JOBS=$${SYNDB_SOAK_JOBS:-10000} $(BIN)/python -m tests.soak

.PHONY: test-results
test-results: $(VENV)/.dev-stamp
	SYNDB_RESULTS_CASES=$${SYNDB_RESULTS_CASES:-200} SYNDB_RESULTS_SEED=$${SYNDB_RESULTS_SEED:-$$RANDOM} \
	  $(BIN)/python -m pytest -q tests/results

.PHONY: test-package
test-package: $(VENV)/.dev-stamp
	SYNDB_FRESH_INSTALL=1 $(BIN)/python -m pytest -q -s --durations=5 tests/integration/test_package.py

.PHONY: bench
bench: $(VENV)/.bench-stamp
	$(BIN)/python -m benchmarks $(ONLY)

.PHONY: bench-quick
bench-quick: $(VENV)/.dev-stamp
	$(BIN)/python -m benchmarks --quick $(ONLY)

.PHONY: bench-graph
bench-graph: $(VENV)/.dev-stamp
	$(BIN)/python -m benchmarks.graph $(if $(QUICK),--quick) $(ONLY)

.PHONY: bench-card
bench-card: $(VENV)/.dev-stamp
	$(BIN)/python -m tests.browser.latency

.PHONY: lint
lint: $(VENV)/.dev-stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.dev-stamp
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

.PHONY: notebooks
notebooks: $(VENV)/.dev-stamp
	@$(BIN)/python scripts/write_notebooks.py

.PHONY: pictures
pictures: $(VENV)/.dev-stamp
	@$(BIN)/python scripts/write_screenshots.py

.PHONY: data
data: $(VENV)/.user-stamp
	@test -n "$(FROM)" || { echo "Say where the CSV files are: make data FROM=FOLDER"; exit 1; }
	$(BIN)/python scripts/convert_celegans.py "$(FROM)"

.PHONY: pins
pins: $(VENV)/.user-stamp
	$(BIN)/python scripts/write_pins.py

.PHONY: clean
clean:
	rm -rf $(VENV) demo-output build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
