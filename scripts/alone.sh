#!/bin/sh
# What failed while two workers shared the machine is run once more, alone: scripts/alone.sh CODE, where CODE is what
# pytest ended with. A test that fails alone too fails the whole, and so do more than ten. One that passes is named as
# the last words, since a race is to be mended, be it the test's or the code's.
set -eu
cd "$(dirname "$0")/.."
most=10

# 1: tests failed. All else is no matter of time.
[ "$1" = 1 ] || exit "$1"
failed=$(.venv/bin/python -c 'import json; print(*json.load(open(".pytest_cache/v/cache/lastfailed")), sep="\n")')
count=$(printf '%s\n' "$failed" | wc -l)
printf '\n=== Failed beside others:\n%s\n' "$failed"
if [ "$count" -gt "$most" ]; then
    echo "=== More than $most: they are not run again." >&2
    exit 1
fi
.venv/bin/pytest --quiet --last-failed --last-failed-no-failures none
printf '\n=== PASSED ONLY ALONE, which tells of a race:\n%s\n' "$failed"
