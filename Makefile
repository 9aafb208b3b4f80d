# Everything a person or CI runs. Each target makes the virtual environment first if it is missing or stale.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-fast bench dev lint lock clean
.DEFAULT_GOAL := demo

demo: $(READY)  ## a year of real campaigns: fetch the data, run the pipeline, print what came out
	$(BIN)/goalpost demo --run

# A worker for each of two cores: tests/conftest.py says what each takes.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

test: $(READY)  ## every test
	$(PYTEST)

test-fast: $(READY)  ## the inner loop, under a minute: README, "Working on it", says what it leaves out
	$(PYTEST) -m fast

# Hours, and 60 GB of disk. Stopped, it goes on where it was. BENCH="--size 1M" takes a fifth of it.
BENCH ?= --size 1M,10M,10M-long
bench: $(READY)  ## the benchmark: docs/benchmark.md
	$(BIN)/python -m benchmark $(BENCH) --docs docs

dev: $(READY)  ## Dagster's web UI and daemon (sensor, schedule) on http://localhost:3000
	$(BIN)/goalpost dev

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright && $(BIN)/sqlfluff lint --processes 2 dbt_project/models

# uv installs the lock in about 20 s (pip: two minutes). --no-deps: the lock is complete, and leaves out
# dbt-core-experimental-parser on purpose, which dbt never imports and which cannot be built offline.
$(READY): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (once, under a minute) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --quiet --editable .
	@touch $(READY)

lock:  ## pin every dependency: package and version only, no registry host
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
	    --extra dev --no-emit-package dbt-core-experimental-parser pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) .goalpost dbt_project/target dbt_project/logs
