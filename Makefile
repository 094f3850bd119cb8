# Every target makes what it needs: the environment in .venv is filled once, and again when the lock changes.
#   make demo    the whole story in a minute          make check   what must hold before a change goes in
#   make serve   a server for development, port 9229  make help    every target

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=
VENV := .venv
PY := $(VENV)/bin/python
FILLED := $(VENV)/.filled
PIP := $(PY) -m pip --disable-pip-version-check --quiet --quiet
MODERN := import sys; sys.exit(sys.version_info < (3, 11))
UV := env UV_NO_CONFIG=1 $(PY) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate $(ARGS)

.PHONY: help demo serve bench test check format format-check lint types audit docs lock clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: $(FILLED) ## a user signs up, signs in and deletes themself, through unmodified boto3
	@$(PY) -m cenote demo $(ARGS)

serve: $(FILLED) ## a server for development on this machine
	@exec $(PY) -m cenote serve --dev $(ARGS)

bench: $(FILLED) ## what a call costs, beside other servers, in under five minutes; ARGS="--peers ministack" picks
	@$(PY) -m benchmarks --short $(ARGS)

test: $(FILLED) ## the tests; ARGS="-k delete_user" for some of them
	@$(PY) -m pytest -n $(WORKERS) $(ARGS)

check: format-check lint types audit test ## all of: format-check, lint, types, audit, test

format: $(FILLED) ## lay the code out, and mend what can be mended
	@$(PY) -m ruff check --quiet --fix-only --exit-zero .
	@$(PY) -m ruff format .

format-check: $(FILLED) ## is the code laid out?
	@$(PY) -m ruff format --check --quiet . || { $(PY) -m ruff format --check . ; exit 1; }

lint: $(FILLED) ## ruff, with everything on
	@$(PY) -m ruff check .

types: $(FILLED) ## mypy, strict
	@$(PY) -m mypy

audit: $(FILLED) ## is what is installed what the lock says, and is anything in it known to be weak?
	@$(PY) -m tools.audit

docs: $(FILLED) ## write the generated pages of docs/
	@$(PY) -m tools.docs

lock: $(FILLED) ## pin the dependencies anew; ARGS=--upgrade takes the newest
	@$(UV) --extra dev pyproject.toml --output-file requirements.lock
	@$(UV) --constraints requirements.lock pyproject.toml --output-file requirements-run.lock
	@for lock in requirements.lock requirements-run.lock; do \
		grep -vE '^(#|--|$$)' $$lock > $$lock.new; mv $$lock.new $$lock; done
	@$(PY) -m tools.audit --lock-only

clean: ## remove caches and builds; the environment and your data stay
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(FILLED): requirements.lock pyproject.toml
	@{ $(PY) -c '$(MODERN)' && $(PY) -m pip --version; } >/dev/null 2>&1 || { \
		$(PYTHON) -c '$(MODERN)' 2>/dev/null || { \
			echo 'Cenote needs Python 3.11 or newer, and $(PYTHON) is not: try make PYTHON=python3.12' >&2; exit 1; }; \
		$(PYTHON) -m venv --clear $(VENV) || { \
			echo 'No environment could be made; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }; }
	@echo 'Filling $(VENV) from requirements.lock; this takes about half a minute ...'
	@for pause in 2 10 0; do \
		$(PIP) install --retries 5 --require-hashes --requirement requirements.lock && break; \
		[ $$pause -gt 0 ] || { echo 'The packages could not be installed.' >&2; exit 1; }; \
		echo "Trying again in $$pause seconds ..." >&2; sleep $$pause; done
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@
