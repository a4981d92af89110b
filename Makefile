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
	$(BIN)/python -m pytest

.PHONY: check
check: $(READY) ## lint, types, the rule of dependency, generated references
	$(BIN)/ruff check src tests bench docs
	$(BIN)/ruff format --check src tests bench docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

.PHONY: format
format: $(READY) ## format the code
	$(BIN)/ruff format src tests bench docs
	$(BIN)/ruff check --fix src tests bench docs

.PHONY: docs
docs: $(READY) ## build the documentation site into site/
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: bench
bench: $(READY) ## print how long things take, beside the bare scan
	$(BIN)/python bench/decide.py
