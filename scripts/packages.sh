#!/bin/bash
# Sees to the Debian packages that Cordboard needs, and changes nothing else on the machine.
#
#   scripts/packages.sh         what `cordboard serve` needs
#   scripts/packages.sh demo    that, and the telephones of the demo
#   scripts/packages.sh test    that, and what the tests need: PostgreSQL, Chromium
#   scripts/packages.sh livekit only what builds LiveKit (scripts/livekit.sh), and the Redis that it needs
#
# All there: says nothing, exit 0.  Something missing: root gets it installed; anybody else gets exit 1 and
# the command to run.  The packages bring services (kamailio, rtpengine-daemon, postgresql, redis), which Cordboard
# does not use: it starts its own processes.  So none is started, none stays enabled, and no PostgreSQL
# cluster is created; what is on the machine already is left as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

run_time=(kamailio kamailio-sqlite-modules kamailio-tls-modules rtpengine-daemon)
telephones=(sip-tester baresip-core sipsak)
scanners=(sipvicious)
databases=(postgresql-15)
browsers=(chromium)
livekit=(redis-server gcc libc6-dev pkg-config libopus-dev libopusfile-dev libsoxr-dev)

# Earlier builds let a stranger inject audio into a call, or take it over (CVE-2025-53399).
rtpengine_at_least=10.5.3.5-1+deb12u1

case "${1:-}" in
    "")   wanted=("${run_time[@]}") ;;
    demo) wanted=("${run_time[@]}" "${telephones[@]}") ;;
    test) wanted=("${run_time[@]}" "${telephones[@]}" "${scanners[@]}" "${databases[@]}" "${browsers[@]}") ;;
    livekit) wanted=("${livekit[@]}") ;;
    *)    echo "usage: scripts/packages.sh [demo|test|livekit]" >&2; exit 2 ;;
esac

python="${PYTHON:-python3}"
policy=/usr/sbin/policy-rc.d
cluster_defaults=/etc/postgresql-common/createcluster.conf
cluster_defaults_shipped=/usr/share/postgresql-common/createcluster.conf
marker="Written by Cordboard's scripts/packages.sh, for as long as it installs packages."

fail() { printf '%s\n' "$@" >&2; exit 1; }

installed_version() { # PACKAGE; prints nothing unless it is installed
    dpkg-query --show --showformat '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null |
        awk '$1 == "installed" { print $2 }' || true
}

can_make_environments() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }

new_enough() { # PACKAGE VERSION
    [ "$1" != rtpengine-daemon ] || dpkg --compare-versions "$2" ge "$rtpengine_at_least"
}

missing_packages() {
    local package version
    can_make_environments || echo python3-venv
    for package in "${wanted[@]}"; do
        version=$(installed_version "$package")
        if [ -z "$version" ] || ! new_enough "$package" "$version"; then echo "$package"; fi
    done
}

# The links by which systemd and SysV init start a service at boot.
start_links() {
    find /etc/systemd/system -path '*.wants/*' -type l 2>/dev/null || true
    find /etc/rc[2-5].d /etc/rcS.d -name 'S*' 2>/dev/null || true
}

disable_new_services() { # FILE with the links that were there before
    local link service
    start_links | sort | comm -13 "$1" - | while read -r link; do
        case "$link" in
            # This is all that `systemctl disable` does, which is not there on every machine.
            */systemd/*) rm -f "$link" ;;
            *)           service=${link##*/S[0-9][0-9]}
                         [ ! -e "$link" ] || update-rc.d "$service" disable >/dev/null ;;
        esac
    done
}

forbid_service_starts() {
    # Somebody's own policy stays; ours may have been left by a run that was killed.
    if [ -e "$policy" ] && ! grep -qsF "$marker" "$policy"; then return; fi
    printf '#!/bin/sh\n# %s\nexit 101\n' "$marker" >"$policy"
    chmod 755 "$policy"
}

forbid_default_cluster() {
    if [ -e "$cluster_defaults" ] && ! grep -qsF "$marker" "$cluster_defaults"; then
        cp -p "$cluster_defaults" "$work/createcluster.conf"
    fi
    mkdir -p "${cluster_defaults%/*}"
    printf '# %s\ncreate_main_cluster = false\n' "$marker" >"$cluster_defaults"
}

restore() {
    if grep -qsF "$marker" "$policy"; then rm -f "$policy"; fi
    if grep -qsF "$marker" "$cluster_defaults"; then
        if [ -e "$work/createcluster.conf" ]; then
            cp -p "$work/createcluster.conf" "$cluster_defaults"
        elif [ -e "$cluster_defaults_shipped" ]; then
            cp "$cluster_defaults_shipped" "$cluster_defaults"
            rm -f "$cluster_defaults.ucf-dist"
        else
            rm -f "$cluster_defaults"
            rmdir --ignore-fail-on-non-empty "${cluster_defaults%/*}"
        fi
    fi
    if [ -e "$work/start-links" ]; then disable_new_services "$work/start-links"; fi
    rm -rf "$work"
}

install_packages() { # PACKAGE...
    # The old createcluster.conf is ours, so it is the one to keep.
    export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 NEEDRESTART_SUSPEND=1
    local apt=(apt-get --quiet=2 -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0)

    work=$(mktemp -d)
    trap restore EXIT
    start_links | sort >"$work/start-links"
    forbid_service_starts
    forbid_default_cluster

    echo "Installing the Debian packages $* ..."
    "${apt[@]}" update || echo "(apt-get update had trouble; going on with the lists that are there)" >&2
    "${apt[@]}" install --yes --no-install-recommends "$@" </dev/null >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "" "apt-get could not install: $*"
    }
    restore
    trap - EXIT
}

command -v dpkg-query >/dev/null || fail \
    "This is not Debian: there is no dpkg-query. Cordboard is set up by these Debian 12 packages:" \
    "    ${wanted[*]}"

mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    fail "Debian packages are missing or too old: ${missing[*]}" \
        "One command as root brings them by apt-get install, and starts no service:" \
        "" \
        "    sudo $PWD/scripts/packages.sh${1:+ $1}"
fi

# Two checkouts set up at once take turns; the second finds everything there.
mkdir -p /run/lock
exec 9>/run/lock/cordboard-packages
flock 9
mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" -eq 0 ] || install_packages "${missing[@]}"

[ "${1:-}" != livekit ] || exit 0
rtpengine=$(installed_version rtpengine-daemon)
new_enough rtpengine-daemon "$rtpengine" || fail \
    "rtpengine-daemon is $rtpengine, and Cordboard needs $rtpengine_at_least or later, which has a security fix." \
    "The package sources of this machine offer no later one: add Debian 12's security updates."
can_make_environments || fail \
    "$python cannot make virtual environments: it has no ensurepip. Choose another one: make PYTHON=/usr/bin/python3 ..."
