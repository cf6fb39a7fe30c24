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
INSTALL = $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)

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

test: test-python test-notebooks test-views ## run every test: unit, kernel, browser, notebooks, widget

# One more than there are cores: tests of kernels and pages wait much of their time.
WORKERS := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1 )))

test-python: $(VENV)/.test browser
	$(BIN)/python -m pytest -n $(WORKERS) --dist load

# Five is pytest's word for "no such test".
test-long: $(VENV)/.test browser ## the suites that take minutes or need environments of their own
	$(BIN)/python -m pytest -n $(WORKERS) --dist load -m long || [ $$? = 5 ]

# In a home of its own: no profile, no key and no DSN of yours has a part in it.
test-notebooks: $(VENV)/.test
	home=$$(mktemp -d); trap 'rm -rf "$$home"' EXIT; \
	env -u OPENAI_API_KEY -u OPENAI_BASE_URL -u SENTRY_DSN HOME=$$home IPYTHONDIR=$$home/ipython AIMON_NB_AUTOLOAD=0 \
		JUPYTER_CONFIG_DIR=$$home/config JUPYTER_DATA_DIR=$$home/data JUPYTER_RUNTIME_DIR=$$home/runtime JUPYTER_PREFER_ENV_PATH=1 \
		$(BIN)/python -m pytest --nbval-lax -p no:cacheprovider notebooks

test-views:
	@files=$$(find tests/views -name '*.test.mjs'); \
	if [ -z "$$files" ]; then exit 0; \
	elif ! node --version >/dev/null 2>&1; then echo "node is missing: the widget's unit tests (tests/views) are skipped"; \
	else node --test $$files; fi

lint: $(VENV)/.lint ## ruff (rules and format), mypy and the types of the widget's modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check aimon_nb jupyter-config
	$(BIN)/mypy
	@.ci/types $(VENV)/node

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
.PHONY: help demo demo-headless test test-long test-python test-notebooks test-views lint bench browser clean
