# Every target creates .venv and installs what it needs by itself.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
LIGHT := .venv/light

.PHONY: setup demo test test-slow check bench clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $@

# The first map needs no PyTorch: it is there before PyTorch is installed.
demo: $(LIGHT)
	$(BIN)/manet demo --out demo --only-map
	$(MAKE) setup
	$(BIN)/manet demo --out demo --continue

$(LIGHT): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable . --constraint constraints.txt
	touch $@

test: setup
	$(BIN)/pytest -m 'not slow' -n 2 --dist loadfile

test-slow: setup
	$(BIN)/pytest -m slow -n 2 --dist loadfile

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: setup
	$(BIN)/manet benchmark speed --json results/speed/resnet50.json --figure results/speed/resnet50.png --overwrite
	$(BIN)/python results/fill_timings.py

clean:
	rm -rf .venv demo
