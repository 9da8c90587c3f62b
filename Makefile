# make demo | test | test-slow | validation | image | image-test | bench | faults | hostile | accept | lint | importer-news
PYTHON ?= python3
VENV := .venv
FILES ?= 3000
ARCHIVES ?= 300
RUNS ?= 300
SEED ?= 0
PY := $(VENV)/bin/python
export PYTHONDONTWRITEBYTECODE := 1
export NO_PROXY := 127.0.0.1,localhost

.PHONY: demo test test-slow validation lint environments importer-news faults hostile accept bench image image-test clean

$(VENV)/ready: requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

demo: $(VENV)/ready
	@KEEP=$(KEEP) $(PY) -m demo

test: $(VENV)/ready lint environments
	$(PY) -m pytest -n 2 --dist worksteal -q --timeout 600 -m "not slow" --junitxml test-results.xml

# The same tests with ten thousand cases, gigabytes and the whole corpus.
test-slow: $(VENV)/ready environments
	$(PY) -m pytest -n 2 --dist worksteal -q --timeout 3000 -m slow

# What the last `make test` says of each promise, for docs/validation.md.
validation: $(VENV)/ready
	$(PY) -m tools.validation

lint: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# Other people's programs that some tests run, in environments of their own.
environments:
	sh tools/clients/setup.sh
	sh tools/importer/setup.sh

# Whether edit detection still tells edits from what an importer made, by the importer that is newest on PyPI.
importer-news: $(VENV)/ready environments
	sh tools/importer/setup.sh latest
	-$(PY) -m tests.judge --compare .venvs/importer-latest/bin/python --files $(FILES) --archives $(ARCHIVES)
	$(PY) -m tests.judge --importer .venvs/importer-latest/bin/python --only fmi --jobs 2 --files $(FILES) --archives $(ARCHIVES)

# A fault of every kind at every call of a run, then a soak.
faults: $(VENV)/ready
	$(PY) -m tests.faults.matrix --soak
	$(PY) -m tests.faults.way_back --sample 40

# Hundreds of runs through a hostile proxy; `make test` plays forty.
hostile: $(VENV)/ready
	$(PY) -m tests.faults.proxy --runs $(RUNS) --seed $(SEED)

# Orthanc and the real importer judge what the engine wrote. Needs the Debian package orthanc.
accept: $(VENV)/ready environments
	SESSION_EXPORT_ACCEPT=1 $(PY) -m pytest tests/accept -n 2 -q

bench: $(VENV)/ready
	$(PY) -m benchmarks

image: $(VENV)/ready
	$(PY) -m tools.image

image-test: $(VENV)/ready
	$(PY) -m tools.image_test

clean:
	rm -rf $(VENV) .venvs demo-output bench-output
