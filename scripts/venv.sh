#!/bin/sh
# Brings .venv up to the locked packages and installs the project into it, editable.
#
#   scripts/venv.sh           what the service and the demo need  (requirements.lock)
#   scripts/venv.sh dev       that, and what the tests need       (requirements-dev.lock)
#
# Does nothing when the lock and the project's metadata are those of the last successful run.
# PYTHON names the interpreter that makes the environment (default: python3).
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in
    "")  lock=requirements.lock ;;
    dev) lock=requirements-dev.lock ;;
    *)   echo "usage: scripts/venv.sh [dev]" >&2; exit 2 ;;
esac
python="${PYTHON:-python3}"
stamp=".venv/.installed-$lock"

# Two makes in one checkout take turns: pip does not expect company.
exec 9>.venv.lock
flock 9

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Cordboard needs Python 3.11 or later; $python is $("$python" --version 2>&1)." >&2
    exit 1
fi

# The directory is part of the key, since an environment does not survive being moved or copied; what the tools
# read in pyproject.toml is not.
key=$({ pwd; cat "$lock"; sed '/^\[tool\./,$d' pyproject.toml; } | sha256sum)
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "Making .venv with $("$python" --version 2>&1) ..."
    "$python" -m venv --clear .venv
fi
pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"; }
echo "Installing the packages of $lock into .venv ..."
pip install --require-hashes -r "$lock"
# The build backend came with the lock (its program is found on PATH), so nothing is downloaded here.
PATH="$PWD/.venv/bin:$PATH" pip install --no-deps --no-build-isolation --editable .
echo "$key" >"$stamp"
