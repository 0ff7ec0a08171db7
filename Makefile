# The two commands of a newcomer are `make demo` and `make test`; each does all the set-up it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TEXTCRM_HOME ?= $(CURDIR)/.textcrm

.PHONY: demo test lint bench chaos openapi clean

$(VENV)/.demo: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "textcrm needs Python 3.11 or later"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[api,train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[api,train,kafka,tables,otel,dev]'
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/textcrm demo $(DEMO_ARGS)

test: lint
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	set -e; for file in tests/benchmarks/bench_*.py; do \
	  if grep -q __main__ $$file; then set -- -m tests.benchmarks.$$(basename $$file .py); \
	  else set -- -m pytest $$file -s -m benchmark; fi; \
	  echo "== python $$*"; $(BIN)/python "$$@"; done

chaos: $(VENV)/.dev
	TEXTCRM_CHAOS=long $(BIN)/python -m pytest -s tests/chaos tests/e2e/test_imap.py tests/e2e/test_kafka.py $(PYTEST_ARGS)

openapi: $(VENV)/.dev
	$(BIN)/python -m textcrm_api.openapi

clean:
	rm -rf $(VENV) .textcrm dist
