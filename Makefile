# make train: a labelled-speech model from nothing. make test: ruff, import-linter, pytest.
# TORCH_INDEX=URL takes PyTorch from that index (its CPU wheels spare gigabytes of CUDA).
PYTHON ?= python3
TORCH_INDEX ?=
# one worker a core; a file's tests stay together and share what they set up
PYTEST := .venv/bin/python -m pytest -n auto --dist loadfile -q
BIN := .venv/bin
READY := .venv/.installed
TOOLS := .venv/.tools
# Python compiles what it imports, once; pip would compile everything, which takes longer than all the rest
PIP := $(BIN)/python -m pip install -q --no-compile
.PHONY: train test quick slow reproduce clean

train: $(READY)
	$(BIN)/python scripts/train.py

test: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(PYTEST) -m "not slow"

quick: $(TOOLS)
	$(BIN)/ruff check .
	$(PYTEST) -m "not slow" -x --ignore=tests/real

slow: $(TOOLS)
	$(PYTEST) -m slow --durations=15

reproduce: $(READY)
	$(BIN)/python scripts/reproduce.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else 'Python 3.11 to 3.13 is needed; name one with PYTHON=')"
	$(PYTHON) -m venv .venv
	$(PIP) $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX)) -c constraints.txt torch
	$(PIP) -c constraints.txt -e ".[ingest]"
	touch $@

$(TOOLS): $(READY)
	$(PIP) -c constraints.txt -e ".[ingest,dev]"
	touch $@

clean:
	rm -rf .venv
