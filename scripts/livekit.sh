#!/bin/bash
# Builds LiveKit's two servers for the tests, the demo and the bench of LiveKit, once for each version:
#
#   livekit-server   rooms and the API       scripts/livekit/server/go.mod
#   livekit-sip      the SIP side of a room  scripts/livekit/sip/go.mod
#
# The go.mod say which versions, the go.sum beside them what they and all that they use must hash to. The programs go
# to ${XDG_CACHE_HOME:-~/.cache}/cordboard/livekit, and nowhere else; the first time takes two or three minutes.
# Where they cannot be built (no Go, no network) this says so, and ends with 0: the tests that need them then say that
# they were not run, and how many they are. The reason stays in the file why-not beside the programs.
set -euo pipefail
cd "$(dirname "$0")/.."

built="${XDG_CACHE_HOME:-$HOME/.cache}/cordboard/livekit"
go_at_least=1.26
log=

program() { # FOLDER PACKAGE; the path of what is built of it, with its version
    awk -v package="$2" -v built="$built" '$1 == package { name = $1; sub(".*/", "", name); sub("^sip$", "livekit-sip", name); print built "/" name "-" $2; exit }' \
        "scripts/livekit/$1/go.mod"
}
server=$(program server github.com/livekit/livekit-server)
sip=$(program sip github.com/livekit/sip)

cannot() { # REASON...
    echo "$*" >"$built/why-not"
    echo "LiveKit is not built, and its tests will not run: $*" >&2
    exit 0
}

new_enough() { # VERSION
    printf '%s\n%s\n' "$go_at_least" "$1" | sort --version-sort --check=silent
}

build() { # FOLDER PACKAGE PROGRAM
    [ ! -x "$3" ] || return 0
    echo "Building ${3##*/} ..."
    (cd "scripts/livekit/$1" && GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=1 \
        go build -trimpath -ldflags=-s -o "$3.new" "$2") >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        cannot "go build of ${3##*/} failed: $(grep -v '^go: downloading' "$log" | tail -n 1)"
    }
    mv "$3.new" "$3"
}

mkdir -p "$built"
# Two checkouts set up at once take turns; the second finds everything there.
exec 9>"$built/lock"
flock 9
if [ -x "$server" ] && [ -x "$sip" ] && command -v redis-server >/dev/null; then
    rm -f "$built/why-not"
    exit 0
fi

command -v go >/dev/null || cannot "this machine has no Go ($go_at_least or later, https://go.dev/dl/)"
version=$(GOTOOLCHAIN=local go env GOVERSION)
new_enough "${version#go}" || cannot "Go is ${version#go}, and LiveKit needs $go_at_least or later"
scripts/packages.sh livekit || cannot "Debian packages are missing: scripts/packages.sh livekit"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
build server github.com/livekit/livekit-server/cmd/server "$server"
build sip github.com/livekit/sip/cmd/livekit-sip "$sip"
rm -f "$built/why-not"
