#!/bin/sh
# tacit at work, as a live timeline in the terminal, in less than a minute after the build:
#   sh examples/demo.sh [--keep] [--my-keyring] [OPTION...]
# On a bare Debian 12 it installs what is missing (as root, or with sudo), then builds in a fresh
# temporary directory, which is removed at the end. --keep: built in build/demo, which stays.
# --my-keyring: your session's keyring instead of one of the demo's own; its entry is gone after the
# demo. OPTIONs are tacit-demo's; examples/demo/main.c lists them. The exit status is non-zero where
# something differs from what was expected.
set -eu

packages="gcc libc6-dev cmake make pkg-config libcurl4-openssl-dev libjansson-dev libssl-dev
    libsecret-1-dev libmicrohttpd-dev libcmocka-dev zlib1g-dev dbus gnome-keyring"
targets="tacit-demo tacit-test-server"

root=$(cd "$(dirname "$0")/.." && pwd)
build=
if [ "${1:-}" = --keep ]; then
    shift
    build=$root/build/demo
    mkdir -p "$build"
else
    build=$(mktemp -d "${TMPDIR:-/tmp}/tacit-demo-build.XXXXXX")
    trap 'rm -rf "$build"' EXIT
fi
trap 'exit 130' HUP INT TERM

# step WHAT COMMAND...: the command's output is shown where it fails.
step() {
    printf '%s\n' "$1"
    shift
    "$@" >"$build/log" 2>&1 || {
        cat "$build/log" >&2
        exit 1
    }
}

missing_packages() {
    for package in $packages; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            printf ' %s' "$package"
    done
}

# shellcheck disable=SC2086
install_packages() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "Missing, and neither root nor sudo to install it:$missing" >&2
            exit 1
        }
        sudo=sudo
    fi
    step "Looking for packages ..." $sudo apt-get update
    step "Installing$missing ..." $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    install_packages
else
    echo "This is no Debian, so please have these there, by your system's names: $packages" |
        tr -s ' \n' ' '
    echo
fi
step "Configuring ..." cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release \
    -DTACIT_BUILD_TESTS=ON -DTACIT_BUILD_EXAMPLES=ON
# shellcheck disable=SC2086
step "Building ..." cmake --build "$build" -j "$(nproc)" --target $targets

code=0
sh "$root/examples/demo/run.sh" "$build/tests/tacit-test-server" \
    "$build/examples/demo/tacit-demo" "$@" || code=$?
exit "$code"
