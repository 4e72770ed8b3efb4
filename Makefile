# `make demo` and `make test` are all the set-up there is. `make` alone lists what else there is.
#
# ARGS= is handed on to the program: make demo ARGS=--headless, make test ARGS="tests/protocol -x".
# PYTHON= names another Python than the newest one found: make PYTHON=python3.12 test.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
SCRIPTS := .ci/run tools/find-python

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# An environment knows its own path and its Python by name: one that was moved, whose Python is gone, or for which
# another Python is asked is looked at again. Nothing is run to find that out.
suspect := $(if $(PYTHON),look-again)
suspect += $(if $(realpath $(BIN)/python),,look-again)
suspect += $(if $(findstring $(CURDIR)/$(VENV),$(file <$(VENV)/pyvenv.cfg)),,look-again)

$(VENV)/runtime: pyproject.toml locks/runtime.txt tools/environment.py $(suspect)
	@python=$$(tools/find-python) && "$$python" tools/environment.py runtime

$(VENV)/dev: $(VENV)/runtime locks/dev.txt
	@python=$$(tools/find-python) && "$$python" tools/environment.py dev

$(VENV)/fuzz: $(VENV)/dev locks/fuzz.txt
	@python=$$(tools/find-python) && "$$python" tools/environment.py fuzz

.PHONY: look-again
look-again:

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(VENV)/runtime ## watch a live network: this machine and a simulated plant (ARGS=--headless, --help)
	@$(BIN)/jph demo $(ARGS)

.PHONY: test
test: $(VENV)/dev ## run the tests (ARGS="tests/protocol -x")
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: check lint types layers shell audit
check: lint types layers shell audit ## run everything that needs no running: the five below

lint: $(VENV)/dev ## ruff: rules and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(VENV)/dev ## mypy: types, strictly, of code and tests
	@$(BIN)/mypy

layers: $(VENV)/dev ## import-linter: who may import whom
	@$(BIN)/lint-imports --no-logo

shell: $(VENV)/dev ## shellcheck: the shell scripts
	@$(BIN)/shellcheck $(SCRIPTS)

audit: $(VENV)/dev ## pip-audit: no vulnerability is known in what is locked, where that can be asked
	@$(BIN)/python -m tools.audit

.PHONY: format
format: $(VENV)/dev ## put the code into its form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: bench
bench: $(VENV)/dev ## measure what docs and budgets promise (ARGS= names single measurements)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: soak
soak: $(VENV)/dev ## hold jph to losing no reading, for half an hour, as root (ARGS=--short, single scenarios)
	@$(BIN)/python -m bench.soak $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/dev ## give every door ten million inputs (ARGS="--seed 2", ARGS="--millions 1 verify")
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: fuzz-guided
fuzz-guided: $(VENV)/fuzz ## the same with atheris, which looks for ways into code (ARGS="--seconds 600 verify")
	@$(BIN)/python -m tests.fuzz.guided $(ARGS)

.PHONY: pictures
pictures: $(VENV)/dev ## draw the pictures in docs/ from the real console
	@$(BIN)/python -m tools.pictures $(ARGS)

.PHONY: wheel
wheel: $(VENV)/dev ## build dist/*.whl; the same source gives the same bytes
	@env -u SOURCE_DATE_EPOCH $(BIN)/python -m hatchling build -t wheel $(ARGS)

.PHONY: constraints
constraints: ## lock the newest versions of everything (ARGS=--no-upgrade, ARGS="--upgrade-package textual")
	@python=$$(tools/find-python) && "$$python" -m tools.lock $(ARGS)
	@$(MAKE) $(VENV)/dev

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
