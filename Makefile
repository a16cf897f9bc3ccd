# `make demo` and `make lab` are all a newcomer needs: each sets up what it uses, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv)
START := attention-workshop/00_start.ipynb
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test check install lab lint bench verify attacks soak runners versions clean

demo: $(VENV)/.demo
	$(BIN)/attn demo
	@echo
	@echo 'For attn to be found in this terminal, say first:  . $(BIN)/activate'

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n auto

# For the loop while working.
check: lint
	$(BIN)/python -m pytest -n auto -m "not slow"

install: $(VENV)/.installed

# JupyterLab on the start page of a workspace. A learner has no use for nbgrader's buttons, where nbgrader is installed;
# whoever is root, as in a container, has to say so.
lab: $(VENV)/.lab $(START)
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --LabApp.app_settings_dir=$(CURDIR)/tools/lab \
		--ServerApp.root_dir=$(dir $(START)) --LabApp.default_url=/lab/tree/$(notdir $(START))

$(START): | $(VENV)/.lab
	$(BIN)/attn start $(@D)

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

# What is installed with the package: for grading, nothing; JupyterLab; or all that work on it needs.
$(VENV)/.demo: WITH :=
$(VENV)/.lab: WITH := [lab]
$(VENV)/.installed: WITH := [lint,test]
WHAT = -c constraints.txt -e '.$(WITH)'

# uv leaves several GB of CUDA out where there is no GPU. Where it is not there, or finds no such builds, pip installs.
$(VENV)/.demo $(VENV)/.lab $(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say: make PYTHON=python3.12")'
	@echo 'Installing into $(VENV): some minutes, most of them for torch.'
	@$(if $(UV),:,[ "$$(uname)" != Linux ] || command -v nvidia-smi >/dev/null || echo 'Without a GPU, several GB of this are of no use. To do without them: Ctrl-C, install uv, and say make again.')
	$(PYTHON) -m venv $(VENV)
	$(if $(UV),$(UV) pip install --python $(BIN)/python --torch-backend=auto $(WHAT) ||) $(BIN)/python -m pip install $(WHAT)
	@touch $@

clean:
	rm -rf $(VENV) .nox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
