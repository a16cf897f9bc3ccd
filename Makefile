# `make demo` and `make test` are all a newcomer needs: each sets up what it uses, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test check install lab lint bench verify attacks soak runners versions clean

demo: $(VENV)/.installed
	$(BIN)/attn demo

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n auto

# For the loop while working.
check: lint
	$(BIN)/python -m pytest -n auto -m "not slow"

install: $(VENV)/.installed

# JupyterLab on the exercises.
lab: $(VENV)/.installed
	$(BIN)/jupyter lab exercises

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check grader tests tools noxfile.py
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed
	$(BIN)/python tools/bench.py

verify: $(VENV)/.installed
	$(BIN)/attn verify

# Every attack through attn and through stock nbgrader; the table goes into docs/security.md. Takes some minutes.
attacks: $(VENV)/.installed
	$(BIN)/python tools/attack_table.py

# Two thousand submissions, a tenth of them hostile; the table goes into docs/security.md. Takes many minutes.
soak: $(VENV)/.installed
	$(BIN)/python tools/soak.py

# Every submission of the tests through both kinds of runner. Takes half an hour.
runners: $(VENV)/.installed
	$(BIN)/python tools/both_runners.py

# The quick tests with the lowest, the pinned and the newest versions, and with each Python; the table goes into
# docs/versions.md. Needs those Pythons, and some minutes and GB for each row.
versions: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[versions]'
	$(BIN)/nox

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[lint,test]'
	touch $@

clean:
	rm -rf $(VENV) .nox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
