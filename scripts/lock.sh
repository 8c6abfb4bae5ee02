#!/bin/sh
# Writes requirements.lock and requirements-dev.lock anew from pyproject.toml, with the hash of every file.
# Versions stay as they are where pyproject.toml allows it; `scripts/lock.sh --upgrade` takes the newest.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

command -v uv >/dev/null || { echo "This needs uv: .venv/bin/pip install uv" >&2; exit 1; }

# No index address may get into a committed file: each installation has its own way to PyPI.
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links pyproject.toml "$@" >/dev/null
}
compile --group build --output-file requirements.lock "$@"
compile --group build --group dev --constraints requirements.lock --output-file requirements-dev.lock "$@"
