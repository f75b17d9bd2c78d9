#!/bin/sh
# check_custom_store.sh CUSTOM_STORE: a sign-in is found by the next start and erased; a record that
# cannot be read is an error, and stays. The example is short enough to be read.
set -eu

program=$1
here=$(cd "$(dirname "$0")" && pwd)
directory=$(mktemp -d "${TMPDIR:-/tmp}/tacit-test.XXXXXX")
trap 'rm -rf "$directory"' EXIT
trap 'exit 130' HUP INT TERM

fail() {
    cat "$directory/output" >&2
    echo "FAILED: $1" >&2
    exit 1
}
# says TEXT: the next start must print that, and end well.
says() {
    "$program" "$directory" >"$directory/output" 2>&1 || fail "it ended with $?"
    [ "$(cat "$directory/output")" = "$1" ] || fail "it does not say \"$1\""
}

says new
[ -s "$directory/record" ] || fail "nothing was saved"
[ "$(stat -c %a "$directory/record")" = 600 ] || fail "others may read the record"
says found
[ ! -e "$directory/record" ] || fail "the record was not erased"
says new

rm "$directory/record"
mkdir "$directory/record"
! "$program" "$directory" >"$directory/output" 2>&1 || fail "a record that is none was taken"
grep -q "Could not read from the drawer" "$directory/output" || fail "the store is not named"
[ -d "$directory/record" ] || fail "something was overwritten"

lines=$(wc -l <"$here/../../examples/custom_store.c")
[ "$lines" -le 60 ] || fail "custom_store.c has $lines lines, more than 60"
