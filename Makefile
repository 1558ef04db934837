# Two commands on a fresh Linux machine with Python 3.11+, make and git: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup dev browser demo test bench lint format docs docs-site pictures lock clean

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

setup: $(VENV)/.setup  ## make .venv from the pinned, hashed requirements
dev: $(VENV)/.dev  ## add what tests and lint need

# A stamp stands for the state of the lock file that the environment was made from.
$(VENV)/.setup: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("forecourt needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned requirements into $(VENV) ..."
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.setup
	@echo "Installing what the tests need ..."
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.txt
	@touch $@

# Pages are tested in a browser found on the machine, else one from Debian's packages, else Playwright's own.
browser: $(VENV)/.dev
	@for name in "$$FORECOURT_CHROMIUM" chromium chromium-browser google-chrome; do \
		if test -n "$$name" && command -v "$$name" >/dev/null 2>&1; then exit 0; fi; done; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
		echo "Installing Chromium from Debian's packages ..."; \
		apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else \
		echo "Installing Playwright's Chromium ..."; $(BIN)/playwright install chromium; \
	fi

demo: setup  ## a sample dealership from export files to dashboards
	@$(BIN)/forecourt demo

test: browser  ## all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q --durations=15

bench: browser  ## how long things take, into docs/performance.md
	@$(BIN)/python -m tests.bench.landing
	@$(BIN)/python -m tests.bench.overview

lint: dev  ## what CI and pre-commit check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

format: dev  ## write files as `make lint` wants them
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

docs: dev  ## write the pages that are made from the project: KPI handbook, mart reference, tests by line of METRICS.md
	@$(BIN)/python -m tests.support.pages

# Of the project alone: no home, no network. The catalog would only add sizes.
SITE := docs-site
DBT := FORECOURT_BUILD=$(SITE) FORECOURT_LANDING=$(SITE)/landing.duckdb DBT_SEND_ANONYMOUS_USAGE_STATS=false \
	$(BIN)/dbt --quiet --log-level-file none
docs-site: setup  ## models, columns and lineage as one page to open in a browser: docs-site/index.html
	@mkdir -p $(SITE)
	@$(DBT) parse --profiles-dir . --target-path $(abspath $(SITE))/target
	@$(DBT) docs generate --static --empty-catalog --no-compile --profiles-dir . --target-path $(abspath $(SITE))/target
	@mv $(SITE)/target/static_index.html $(SITE)/index.html
	@rm -rf $(SITE)/target
	@echo "Open $(SITE)/index.html"

# Needs uv; --universal makes one file for every supported Python and platform, without index addresses.
LOCK := uv pip compile pyproject.toml --group build --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-strip-extras --quiet
pictures: dev  ## take the pictures of docs/features.md from a demo home, demo-warehouse
	@test -d demo-warehouse || $(BIN)/forecourt demo --no-serve </dev/null
	$(BIN)/python -m tests.support.pictures demo-warehouse

lock:  ## compile the requirements anew
	$(LOCK) -o requirements.txt
	$(LOCK) --extra dev -c requirements.txt -o requirements-dev.txt

clean:  ## remove the environment, the demo and everything made
	rm -rf $(VENV) demo-warehouse warehouse target test-output $(SITE) .mypy_cache .ruff_cache .pytest_cache *.egg-info
