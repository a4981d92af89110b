# Every target sets up what it needs; `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[demo]" --group test --group check --group docs
	touch $(READY)

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

.PHONY: demo
demo: $(READY) ## judge the two bundled products and open their records
	$(BIN)/shipworthy demo

.PHONY: test
test: $(READY) ## run all tests
	$(BIN)/python -m pytest -rs

.PHONY: test-engines
test-engines: $(VENV)/.engines ## run the tests of PostgreSQL and Spark, started on loopback
	SHIPWORTHY_REQUIRE_ENGINES=1 $(BIN)/python -m pytest -n 0 tests/engines

$(VENV)/.engines: $(READY)
	$(BIN)/python -m pip install --quiet --group engines
	touch $@

.PHONY: check
check: $(READY) ## lint, types, the rule of dependency, generated references
	$(BIN)/ruff check src tests bench docs honesty
	$(BIN)/ruff format --check src tests bench docs honesty
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

.PHONY: format
format: $(READY) ## format the code
	$(BIN)/ruff format src tests bench docs honesty
	$(BIN)/ruff check --fix src tests bench docs honesty

.PHONY: docs
docs: $(READY) ## build the documentation site into site/
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: bench
bench: $(VENV)/.engines ## print how long things take, beside the bare scan and beside others
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python bench/evidence.py
	$(BIN)/python bench/decide.py
	$(BIN)/python bench/golden.py
	$(BIN)/python bench/peers.py
	$(BIN)/python bench/engines.py --rows 200000 --spark

.PHONY: bench-decisions
bench-decisions: $(READY) ## replay launch choices whose truth is known and write docs/decisions.md
	$(BIN)/python -m bench.decisions

.PHONY: honesty
honesty: $(READY) ## measure the promised risks by simulation and write docs/honesty.md
	$(BIN)/python -m honesty
