#!/bin/sh
# check_demo.sh as_expected|differs SERVER DEMO: the demo without a terminal, in short. Where the API
# refuses a good token, the table says so and the exit status is 1. Nothing is left behind.
set -eu

outcome=$1
server=$2
demo=$3
here=$(cd "$(dirname "$0")" && pwd)
directory=$(mktemp -d "${TMPDIR:-/tmp}/tacit-test.XXXXXX")
trap 'rm -rf "$directory"' EXIT
trap 'exit 130' HUP INT TERM
mkdir "$directory/tmp"

fail() {
    cat "$directory/output"
    echo "FAILED: $1"
    exit 1
}
has_line() {
    grep -q "$1" "$directory/output" || fail "no line like: $1"
}

set -- --lifetime-s 5 --crowd 200 --steady-s 6 --away-s 4 --again-s 6
[ "$outcome" = as_expected ] || set -- "$@" --spoil
code=0
TMPDIR="$directory/tmp" sh "$here/../../examples/demo/run.sh" "$server" "$demo" "$@" \
    >"$directory/output" 2>&1 || code=$?

if [ "$outcome" = as_expected ]; then
    [ "$code" -eq 0 ] || fail "exit status $code"
    has_line "^Everything as expected"
else
    [ "$code" -eq 1 ] || fail "exit status $code"
    has_line "401s at the API  *0  *1  DIFFERS"
fi
has_line "access token revoked: 401s met  *200  *200  ok"
! grep -q "$(printf '\033')" "$directory/output" || fail "control sequences without a terminal"
left=$(ls -A "$directory/tmp")
[ -z "$left" ] || fail "left behind: $left"
