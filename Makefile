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
PIP := -m pip --disable-pip-version-check --quiet --quiet
MODERN := import sys; sys.exit(sys.version_info < (3, 11))
UV := env UV_NO_CONFIG=1 $(PY) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate $(ARGS)
# A lock says what is installed, not how or where it was made.
NOT_INSTALLED := The packages could not be installed.
STRIP = for lock in $(1); do grep -vE '^(\#|--|$$)' $$lock > $$lock.new; mv $$lock.new $$lock; done
# $(call TRY,command,what to say if it never works): a registry may be out of breath for a moment.
TRY = for pause in 2 10 0; do $(1) && break; [ $$pause -gt 0 ] || { echo '$(2)' >&2; exit 1; }; \
	echo "Trying again in $$pause seconds ..." >&2; sleep $$pause; done

# A worker takes its tests in their order and, when it has no more, some of the other's: so a house that many tests
# share is seldom made twice, and nobody waits.
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist worksteal
# What the thorough suite has is left out of every day's, unless somebody picks: what they pick is run.
PICKED = $(filter -k% -m% tests% ./tests% $(CURDIR)/tests% --lf --ff --last-failed --failed-first --nf --sw% \
	--stepwise%,$(ARGS))
EVERYDAY = $(if $(PICKED),,-m 'not thorough')

# Other people's clients, each with an environment of its own; tests/clients/ drives them.
CLIENTS := .clients
CLIENTS_FILLED := $(CLIENTS)/python/.filled
NODE_FILLED := $(CLIENTS)/node/.filled
MODULES_FILLED := tests/clients/node_modules/.filled
WITH_NODE := PATH="$(CURDIR)/$(CLIENTS)/node/bin:$$PATH"
NODE_IS_FIT := { node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' && npm --version; }

.PHONY: help demo serve bench soak test test-thorough test-clients long check format format-check lint types audit \
	docs lock lock-clients clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: $(FILLED) ## a user signs up, signs in and deletes themself, through unmodified boto3
	@$(PY) -m cenote demo $(ARGS)

serve: $(FILLED) ## a server for development on this machine
	@exec $(PY) -m cenote serve --dev $(ARGS)

bench: $(FILLED) ## what a call costs, beside other servers, in under five minutes; ARGS="--peers ministack" picks
	@$(PY) -m benchmarks --short $(ARGS)

soak: $(FILLED) ## half of what it can take, for an hour, and nothing may grow; ARGS="--minutes 10 --engine postgres"
	@$(PY) -m benchmarks.soak $(ARGS)

test: $(FILLED) ## the everyday tests, in some minutes; ARGS="-k delete_user" picks from all tests
	@$(PYTEST) $(EVERYDAY) $(ARGS)

test-thorough: $(FILLED) ## the tests beside them: kills, power cuts, fail-over, many seeds; ARGS as above
	@$(PYTEST) -m thorough $(ARGS)

test-clients: $(FILLED) $(CLIENTS_FILLED) $(MODULES_FILLED) ## the tests with other people's clients: Node's, AWS CLI
	@$(PY) -m pytest tests/clients $(ARGS)

long: $(FILLED) ## a thousand kills, 50,000 histories and the like: an hour or so; ARGS="-k kill" for some of it
	@CENOTE_LONG=1 CENOTE_SEEDS=$${CENOTE_SEEDS:-50000} CENOTE_KILLS=$${CENOTE_KILLS:-1000} \
		CENOTE_CUTS=$${CENOTE_CUTS:-2000} CENOTE_RACES=$${CENOTE_RACES:-500} \
		$(PYTEST) tests/simulation tests/crash tests/races $(ARGS)

check: format-check lint types audit test test-thorough test-clients ## all of these: what CI runs

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
	@$(call STRIP,requirements.lock requirements-run.lock)
	@$(PY) -m tools.audit --lock-only

lock-clients: $(FILLED) $(NODE_FILLED) ## pin the clients of the tests anew; those of Node as their package.json says
	@$(UV) tests/clients/requirements.in --output-file requirements-clients.lock
	@$(UV) tests/clients/requirements-node.in --output-file requirements-node.lock
	@$(call STRIP,requirements-clients.lock requirements-node.lock)
	@cd tests/clients && $(WITH_NODE) npm install --package-lock-only --silent
	@$(PY) -m tools.node_lock
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
	@$(call TRY,$(PY) $(PIP) install --retries 5 --require-hashes --requirement requirements.lock,$(NOT_INSTALLED))
	@$(PY) $(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(CLIENTS_FILLED): requirements-clients.lock | $(FILLED)
	@echo 'Filling $(CLIENTS)/python from requirements-clients.lock ...'
	@$(PY) -m venv --clear $(@D)
	@$(call TRY,$(@D)/bin/python $(PIP) install --retries 5 --require-hashes --requirement $<,$(NOT_INSTALLED))
	@touch $@

# The machine's own Node.js will do where it is new enough; else one comes out of a wheel, which needs no root.
$(NODE_FILLED): requirements-node.lock | $(FILLED)
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(NODE_IS_FIT) >/dev/null 2>&1 || { \
		echo 'There is no Node.js 20 or newer: one is put into $(@D) ...'; \
		$(PY) -m venv --clear $(@D); \
		$(call TRY,$(@D)/bin/python $(PIP) install --retries 5 --require-hashes --requirement $<,$(NOT_INSTALLED)); }
	@touch $@

$(MODULES_FILLED): tests/clients/package-lock.json tests/clients/package.json tests/clients/.npmrc $(NODE_FILLED)
	@echo 'Filling $(@D) from $< ...'
	@cd tests/clients && $(call TRY,$(WITH_NODE) npm ci --silent,$(NOT_INSTALLED))
	@touch $@
