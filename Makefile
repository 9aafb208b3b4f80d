# Everything a person or CI runs. Each target makes the virtual environment first if it is missing or stale.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-fast test-spark test-spark-grammar spark-demo check fix lint lint-python lint-sql bench dev dashboard superset lock lock-superset clean
.DEFAULT_GOAL := demo

demo: $(READY)  ## a year of real campaigns: fetch the data, run the pipeline, print what came out
	$(BIN)/goalpost demo --run

# A worker for each of two cores: tests/conftest.py says what each takes.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

# Spark comes as a package of 450 MB, which needs Java 17. For its parser alone it lies in a folder that no other test sees.
SPARK := $(VENV)/.spark
SPARK_PARSER := $(if $(shell command -v java),$(VENV)/spark-parser)

# Lint and Spark's grammar at once: each keeps one core busy.
test: $(READY) $(SPARK_PARSER)  ## lint and every test: what CI runs
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint-python lint-sql $(if $(SPARK_PARSER),test-spark-grammar)
	$(PYTEST)

test-spark-grammar: $(READY) $(SPARK_PARSER)
	PYTHONPATH=$(CURDIR)/$(SPARK_PARSER) $(BIN)/python -m pytest tests/test_spark_grammar.py

check: $(READY)  ## the inner loop, under a minute: lint, and the tests that find most in seconds
	@$(MAKE) --no-print-directory --jobs --output-sync lint-python lint-sql test-fast

test-fast: $(READY)  ## those tests alone: CONTRIBUTING.md says what they leave out
	$(PYTEST) -m fast

$(SPARK): $(READY) requirements-spark.lock
	@echo "Installing Spark from requirements-spark.lock (once, a minute) ..."
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --compile-bytecode -r requirements-spark.lock
	@touch $@

$(VENV)/spark-parser: requirements-spark.lock | $(READY)
	@echo "Installing Spark from requirements-spark.lock for its parser (once, half a minute) ..."
	@rm -rf $@ $@.part
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --target $@.part -r requirements-spark.lock
	@touch $@.part && mv $@.part $@

spark-demo: $(SPARK)  ## the demo on Apache Spark: a cluster on this machine, the same table (docs/spark.md)
	$(BIN)/python -m orchestration.spark.cluster $(BIN)/goalpost demo --run

test-spark: $(SPARK)  ## the worlds on Spark, and all that a run does there
	GOALPOST_SPARK=1 $(BIN)/python -m pytest tests/test_spark.py tests/test_spark_landing.py

lint: $(READY)  ## format, lint and types; changes nothing
	@$(MAKE) --no-print-directory --jobs 2 lint-python lint-sql

lint-python: $(READY)
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/basedpyright

lint-sql: $(READY)
	$(BIN)/sqlfluff lint dbt_project/models

fix: $(READY)  ## what a tool can put right by itself: format, imports, the layout of SQL
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && \
	    $(BIN)/sqlfluff fix --quiet dbt_project/models

# It takes hours and 60 GB of disk. After a stop, it continues where it was. BENCH="--size 1M" takes a fifth.
BENCH ?= --size 1M,10M,10M-long
bench: $(READY)  ## the benchmark: docs/benchmark.md
	$(BIN)/python -m benchmark $(BENCH) --docs docs

dev: $(READY)  ## Dagster's web UI and daemon (sensor, schedule) on http://localhost:3000
	$(BIN)/goalpost dev

dashboard: $(READY)  ## the goals as pages with charts, on http://localhost:8501
	$(BIN)/goalpost dashboard

# In an environment of its own: Superset pins what Goalpost has in newer versions.
SUPERSET := .superset
superset: $(READY) $(SUPERSET)/.ready  ## Apache Superset on the published marts: http://127.0.0.1:8088
	@test -e "$${GOALPOST_HOME:-.goalpost}/marts.duckdb" || $(BIN)/goalpost demo --run
	@$(BIN)/python -m dashboard.superset

$(SUPERSET)/.ready: dashboard/superset/requirements.lock
	@echo "Setting up $(SUPERSET) from dashboard/superset/requirements.lock (once, a minute) ..."
	$(PYTHON) -m venv $(SUPERSET)
	$(BIN)/uv pip install --python $(SUPERSET)/bin/python --no-deps --compile-bytecode -r $<
	@touch $@

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
	    --extra dev --extra dashboard --extra postgres --extra s3 --no-emit-package dbt-core-experimental-parser pyproject.toml --output-file requirements.lock

# As of May 2026: with newer packages (flask-caching) Superset 6.1.0 does not start.
lock-superset:  ## the same for Superset
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
	    --exclude-newer 2026-05-20 --exclude-newer-package duckdb=2026-08-01 \
	    dashboard/superset/requirements.in --output-file dashboard/superset/requirements.lock

clean:
	rm -rf $(VENV) $(SUPERSET) .goalpost dbt_project/target dbt_project/logs
