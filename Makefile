# Harbour. `make run` starts everything on this machine, `make test` tests everything.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help run test setup check chat bench train soak

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: setup  ## start everything here, with demo content; Ctrl-C stops it
	@$(BIN)/harbour run

test: setup  ## every check and test, on embedded servers
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest

setup:  ## environments and model only; afterwards .venv/bin/harbour works
	@command -v $(PYTHON) >/dev/null || { echo "Harbour needs Python 3.11 or newer; install it, or say where: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) bootstrap.py

check: setup  ## format, types, import contracts, flows; no servers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/harbour flows check

chat: setup  ## talk to it in this terminal, as a contact
	@$(BIN)/harbour chat

train: setup  ## train the model, if its inputs changed
	@true

bench: setup  ## what screening and a turn cost; POSTS=FILE.tsv for everyday messages
	@$(BIN)/python -m tests.bench.screening $(if $(POSTS),--posts $(POSTS))
	@$(BIN)/python -m tests.bench

soak: setup  ## messages for longer while everything is killed at random
	@$(BIN)/python -m tests.soak
