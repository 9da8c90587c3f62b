# make demo | test | image | image-test | bench | faults | accept | lint
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
export PYTHONDONTWRITEBYTECODE := 1
export NO_PROXY := 127.0.0.1,localhost

.PHONY: demo test lint faults accept bench image image-test clean

# requirements.txt is complete but for two packages left out on purpose (see docs/licences.md), hence --no-deps.
$(VENV)/ready: requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	touch $@

demo: $(VENV)/ready
	@KEEP=$(KEEP) $(PY) -m demo

test: $(VENV)/ready lint
	$(PY) -m pytest -n 2 --dist worksteal -q

lint: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

clean:
	rm -rf $(VENV) .venvs demo-output bench-output
