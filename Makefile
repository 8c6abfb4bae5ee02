PYTHON ?= python3
export PYTHON

install: ## Bring .venv up to requirements.lock
	scripts/venv.sh

check: install
	scripts/venv.sh dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

.PHONY: install check
