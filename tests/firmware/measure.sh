#!/bin/sh
# What tacit costs a device: the stripped library, its heap beyond libcurl's own, the deepest stack of its threads; each held to its limit.
#   measure.sh BUILD STRIP [LAUNCHER...]
# BUILD is what build.sh made; LAUNCHER runs a program of it.
set -eu
# The shared library with everything but the browser, the desktop's keyring and servers that are not quite OAuth, which cost 16 KiB; a
# device that needs less, leaves out more. 146 KiB, 12 for the terms of a sign-in (when it ends, limits, how often a server is asked), and 8
# for stores that bring a lock and a sign-in that moves from one to another.
library_limit=${FIRMWARE_LIBRARY_LIMIT:-169984}
heap_limit=49152
stack_limit=65536
build=$1
strip=$2
shift 2
work=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

"$strip" -o "$work/library" "$build/libtacit.so"
size=$(wc -c <"$work/library")

mkfifo "$work/said"
"$@" "$build/tests/tacit-test-server" --max-seconds 120 >"$work/said" &
pid=$!
read -r url <"$work/said"
XDG_STATE_HOME=$work/state "$@" "$build/tests/footprint" "$url" >"$work/cost"
read -r _ in_use at_most <"$work/cost"
stack=$(sed -n 's/^stack //p' "$work/cost")

failed=0
row() {
    printf '%-44s %8s bytes, limit %s\n' "$1" "$2" "$3"
    [ "$2" -le "$3" ] || failed=1
}
row "library, stripped" "$size" "$library_limit"
row "heap beyond libcurl's, in use" "$in_use" "$heap_limit"
row "heap beyond libcurl's, at the most" "$at_most" "$heap_limit"
row "deepest stack of a thread" "$stack" "$stack_limit"
exit $failed
