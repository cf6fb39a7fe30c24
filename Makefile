# Needs make and a Python >= 3.10; uses uv where it is, for speed. All it makes stands in .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# The first of these that is new enough makes .venv; `make PYTHON=python3.12 …` names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && { echo $$p; break; }; done)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
# Without bytecode each kernel, worker and script of a test compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE
INSTALL = $(if $(UV),uv pip install --quiet --compile-bytecode --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)

NOTEBOOK := notebooks/quickstart.ipynb
LAB_FLAGS = $(if $(filter 0,$(shell id -u)),--allow-root)

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## open JupyterLab on the quickstart notebook
	$(BIN)/jupyter lab $(LAB_FLAGS) $(NOTEBOOK)

# ipykernel warns of its loopback port at every start; that line would be all that a newcomer sees.
demo-headless: $(VENV)/.demo ## run the quickstart notebook in a kernel and write quickstart.html
	JUPYTER_PREFER_ENV_PATH=1 $(BIN)/jupyter nbconvert --log-level=WARN --to html --execute $(NOTEBOOK) --output-dir . --output quickstart \
		2> >(grep -v "over TCP without encryption" >&2 || true)
	@echo "quickstart.html: the notebook as it ran"

# Each part runs to its end; the table at the end says what came of each.
test: $(VENV)/.test browser ## run every test of the default run: unit, kernel, page, notebooks, widget
	$(BIN)/python tests/run.py unit kernel page notebooks widget

test-page: browser
test-unit test-kernel test-page test-notebooks test-widget: test-%: $(VENV)/.test ## one part of them
	$(BIN)/python tests/run.py $*

test-matrix: $(VENV)/.test browser ## full products, and what needs environments of its own
	$(BIN)/python tests/run.py matrix matrix-page

soak: $(VENV)/.test browser ## random moments, races, very large runs: minutes, and no verdict on a change
	$(BIN)/python tests/run.py soak

test-versions: $(VENV)/.versions ## lowest, newest and coming versions of what we need, on each Python that is here
	$(BIN)/nox $(FLAGS)

lint: $(VENV)/.lint ## ruff (rules and format), codespell, mypy, the types and the style of the widget's modules
	$(BIN)/python tests/run.py lint types

check: $(VENV)/.test $(VENV)/.lint browser ## what CI runs
	$(BIN)/python tests/run.py lint types unit kernel page notebooks widget matrix matrix-page

bench: $(VENV)/.test ## what hearing costs beside bare sentry-sdk and peers; FLAGS=--quick for a glance
	$(BIN)/python benchmarks/spans $(FLAGS)

browser: $(VENV)/.test ## find a Chromium or Chrome, or install Debian's
	@.ci/browser $(BIN)/python

clean: ## remove what make has made
	rm -rf $(VENV) quickstart.html build dist

# A stamp an extra: the second run installs nothing until pyproject.toml changes.
$(VENV)/.python:
	@[ -n "$(PYTHON)" ] || { echo "no Python >= 3.10 on PATH; name one: make PYTHON=/path/to/python"; exit 1; }
	$(if $(UV),uv venv --quiet --clear --python $(PYTHON) $(VENV),$(PYTHON) -m venv --clear $(VENV))
	@touch $@

$(VENV)/.%: pyproject.toml $(VENV)/.python
	$(INSTALL) -e '.[$*]'
	@touch $@

.SECONDARY: $(VENV)/.python
.PHONY: help demo demo-headless test test-unit test-kernel test-page test-notebooks test-widget test-matrix test-versions soak lint check bench browser clean
