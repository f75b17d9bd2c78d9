#!/bin/sh
# check_quickstart.sh SERVER QUICKSTART: the first start asks for the password and prints the page; the
# second goes on from the keyring. A wrong password is an error.
set -eu

server=$1
quickstart=$2
here=$(cd "$(dirname "$0")" && pwd)

. "$here/own_keyring.sh"
process=
trap '[ -z "$process" ] || kill "$process" 2>/dev/null || :' EXIT

fail() {
    cat "$directory/output" >&2
    echo "FAILED: $1" >&2
    exit 1
}
page() { # the password; what it prints goes to the file output
    printf 'alice\n%s\n' "$1" |
        "$quickstart" "$url/token" test-client "$url" /api/page >"$directory/output" 2>&1
}

"$server" --max-seconds 60 --port-file "$directory/port" >"$directory/server.log" 2>&1 &
process=$!
tries=0
until [ -s "$directory/port" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the server did not start"
    sleep 0.1
done
url="http://127.0.0.1:$(cat "$directory/port")"

! page "not the password" || fail "a wrong password was taken"
grep -q "^sign-in: TACIT_ERR_OAUTH: " "$directory/output" || fail "a wrong password is not named"
page wonderland || fail "the first start failed"
grep -q "^200$" "$directory/output" || fail "the first start has no page"
grep -q "^User name" "$directory/output" || fail "the first start did not ask"
page "" || fail "the second start failed"
grep -q "^200$" "$directory/output" || fail "the second start has no page"
! grep -q "^User name" "$directory/output" || fail "the second start asked again"
