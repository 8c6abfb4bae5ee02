# `make help` lists the targets.
#
# PYTHON=...  the Python (3.11 or later) that makes .venv; default python3
# KEEP=1      for `make demo`: stay up afterwards

PYTHON ?= python3
export PYTHON
export KEEP
# Without compiled files each process of the tests compiles all that it reads anew.
unexport PYTHONDONTWRITEBYTECODE

DATA   ?= ./data
LISTEN ?= 127.0.0.1:8080
# Two, however many cores there are: calls share one loopback and one clock.
WORKERS ?= 2
# -rs: what was not run is named at the end, with the reason
pytest = .venv/bin/pytest --quiet --durations 10 -rs
# Of what is ignored nothing is fast: it need not be read to be left out.
fast = -m "not slow and not calls and not drill" $(addprefix --ignore tests/,calls drills serve test_schemathesis.py)

.DEFAULT_GOAL := help
.PHONY: help install install-demo install-test install-livekit demo demo-livekit up test check format drill bench lock clean

help:
	@awk 'BEGIN { FS = ":.*## " } \
	    /^## / { printf "\n%s\n", substr($$0, 4) } \
	    /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## Start here
demo: install-demo ## Real calls on this machine, told step by step (KEEP=1 stays up)
	.venv/bin/python -m demo

demo-livekit: install-livekit ## A call into a room of a LiveKit on this machine (needs Go, once)
	.venv/bin/python -m demo.livekit

up: install ## The service at 127.0.0.1:8080, its files in ./data (LISTEN=, DATA=)
	.venv/bin/cordboard serve --data $(DATA) --listen $(LISTEN)

install: ## Debian packages (as root) and .venv; done already: does nothing
	@scripts/packages.sh
	@scripts/venv.sh

install-demo:
	@scripts/packages.sh demo
	@scripts/venv.sh

install-test:
	@scripts/packages.sh test
	@scripts/venv.sh
	@scripts/venv.sh dev

# LiveKit's own servers: two or three minutes of building, once.
install-livekit: install-test
	@scripts/livekit.sh

## While you change something
check: install-test ## Format, lint, types, import contracts, fast tests: a minute
	.venv/bin/ruff format --check --quiet .
	.venv/bin/ruff check --quiet .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	$(pytest) -n $(WORKERS) --dist loadfile $(fast)

format: install-test ## Let ruff format the code, and mend what it can
	.venv/bin/ruff check --quiet --fix-only .
	.venv/bin/ruff format --quiet .

test: install-livekit ## Every test: on both databases, with real calls and drills
	$(pytest) -m drill
	@rm -f .pytest_cache/v/cache/lastfailed
	$(pytest) -n $(WORKERS) --dist loadfile -m "not drill" || scripts/alone.sh $$?

drill: install-livekit ## Only the drills: kills and floods, one after the other
	$(pytest) -m drill

bench: install-test ## Measure each budget against its floor, as a table
	.venv/bin/python -m bench

## Now and then
lock: install-test ## Write both lock files anew from pyproject.toml (UPGRADE=1: newest versions)
	scripts/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## Remove .venv and what the tools left; ./data stays
	rm -rf .venv .venv.lock dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
