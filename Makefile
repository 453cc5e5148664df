# `make help` lists the targets. They need Python 3.11 or newer, make, and access to PyPI and Maven Central.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
ARGS ?=
COMPILE := uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11
LOCK := $(COMPILE) pyproject.toml
LAMBDA_ERP := .venv-lambda-erp
TEST_PROCESSES ?= 3

# Tests and the demo start many processes, of which none should compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install-sandbox install-dev demo test test-browser test-lambda-erp test-alerts test-chart test-all screenshots chaos night-shift drill check format schemas dashboards lock bench scale clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /:/' | awk -F: '{printf "  %-16s %s\n", $$1, $$2}'

demo: $(VENV)/sandbox.done ## Start everything on this machine; ARGS=--story plays the user stories and stops
	@echo "Starting the demo, which takes about half a minute" >&2
	@$(BIN)/countersign demo $(ARGS)

test: $(VENV)/dev.done ## Run all tests on real servers, except those of the next four targets; ARGS go to pytest
	@$(BIN)/pytest -n $(TEST_PROCESSES) -m "not browser and not lambda_erp and not promtool and not helm" $(ARGS)

test-browser: $(VENV)/dev.done ## Run the tests in a browser; needs Chromium (CHROMIUM is its path)
	@$(BIN)/pytest -m browser $(ARGS)

test-lambda-erp: $(VENV)/dev.done $(LAMBDA_ERP)/done ## Run the tests on a real Lambda ERP; needs Pango
	@$(BIN)/pytest -m lambda_erp $(ARGS)

test-alerts: $(VENV)/dev.done ## Test alerts and dashboards; needs prometheus, promtool, amtool (PROMETHEUS, PROMTOOL, AMTOOL are their paths)
	@$(BIN)/pytest -m promtool $(ARGS)

test-chart: $(VENV)/dev.done ## Test the Helm chart against the schemas of Kubernetes; needs helm (HELM is its path)
	@$(BIN)/pytest -m helm $(ARGS)

test-all: $(VENV)/dev.done $(LAMBDA_ERP)/done ## Run the tests of the last five targets together, as CI does
	@$(BIN)/pytest -n $(TEST_PROCESSES) $(ARGS)

screenshots: $(VENV)/dev.done ## Save every page, at three widths in light and dark, in build/screenshots
	@SCREENSHOTS=build/screenshots $(BIN)/pytest tests/end_to_end/test_pages.py -m browser $(ARGS)

chaos: $(VENV)/dev.done ## Run the fault tests at full length (an hour) and print figures; ARGS=--fault-seed=2 varies them
	@$(BIN)/pytest tests/chaos --long $(ARGS)

drill: $(VENV)/sandbox.done ## Rehearse the loss of the database and its restore (a few minutes) and print figures
	@$(BIN)/python -m sandbox.drill $(ARGS)

night-shift: $(VENV)/dev.done ## Take the ERP away for ten minutes and save the dashboard in build/dashboard; needs Prometheus
	@SCREENSHOTS=build $(BIN)/pytest tests/chaos/test_night_shift.py --long $(ARGS)

check: $(VENV)/dev.done ## Check style, types, imports, schemas, dead code and dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schemas.publish --check
	$(BIN)/python -m services.exporter.connections_schema --check
	$(BIN)/python -m services.log_events --check
	$(BIN)/python -m ops.grafana --check
	$(BIN)/vulture
	$(BIN)/deptry .

format: $(VENV)/dev.done ## Format the code and fix what can be fixed automatically
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .

schemas: $(VENV)/dev.done ## Generate the JSON Schemas, examples and the table of log events from the code
	$(BIN)/python -m schemas.publish
	$(BIN)/python -m services.exporter.connections_schema
	$(BIN)/python -m services.log_events

dashboards: $(VENV)/dev.done ## Generate the Grafana dashboards from ops/grafana
	$(BIN)/python -m ops.grafana

bench: $(VENV)/bench.done ## Measure next to FastStream, Faust and loops of one's own; ARGS=--quick for a first look
	@$(BIN)/python -m benchmarks $(ARGS)

scale: $(VENV)/bench.done ## Measure what a commitment costs, check the model, and simulate 1, 10 and 100 times a load
	@mkdir -p build
	@$(BIN)/python -m benchmarks.costs --json benchmarks/scale_costs.json
	@$(BIN)/python -m benchmarks.costs --commitments 200 --per-second 1.8 --call-seconds 1 --max-in-flight 4 --json build/scale_check.json
	@$(BIN)/python -m benchmarks.scale --check build/scale_check.json
	@$(BIN)/python -m benchmarks.scale

lock: $(VENV)/dev.done ## Resolve and pin the dependencies again
	$(BIN)/$(LOCK) -o requirements.lock
	$(BIN)/$(LOCK) --extra sandbox -o requirements-sandbox.lock
	$(BIN)/$(LOCK) --extra sandbox --extra dev -o requirements-dev.lock
	$(BIN)/$(LOCK) --extra sandbox --extra bench -c requirements-dev.lock -o requirements-bench.lock
	$(BIN)/$(COMPILE) --group lambda-erp -o requirements-lambda-erp.lock

install-sandbox: $(VENV)/sandbox.done ## Install what the demo needs

install-dev: $(VENV)/dev.done ## Install what tests and checks need

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) $(LAMBDA_ERP) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(UV):
	@echo "Preparing a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("Countersign needs Python 3.11 or newer; choose another one with PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/sandbox.done: requirements-sandbox.lock pyproject.toml | $(UV)
	@echo "Installing what the demo needs (250 MB the first time)"
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements-sandbox.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/dev.done: requirements-dev.lock pyproject.toml | $(UV)
	@echo "Installing what tests and checks need (400 MB the first time)"
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@ $(VENV)/sandbox.done

$(VENV)/bench.done: requirements-bench.lock pyproject.toml | $(UV)
	@echo "Installing what the benchmarks need (250 MB the first time)"
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements-bench.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@ $(VENV)/sandbox.done

$(LAMBDA_ERP)/done: requirements-lambda-erp.lock | $(UV)
	@echo "Installing Lambda ERP in $(LAMBDA_ERP) (180 MB the first time)"
	@$(UV) venv -q --clear --python $(BIN)/python $(LAMBDA_ERP)
	@$(UV) pip install -q --python $(LAMBDA_ERP)/bin/python --require-hashes -r requirements-lambda-erp.lock
	@touch $@
