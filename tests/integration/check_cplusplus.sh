#!/bin/sh
# check_cplusplus.sh SERVER CPLUSPLUS: the first start signs in and gets its pages, the second goes on
# from an encrypted file, and what goes wrong is told.
set -eu

server=$1
cplusplus=$2

directory=$(mktemp -d "${TMPDIR:-/tmp}/tacit-cplusplus.XXXXXX")
process=
trap '[ -z "$process" ] || kill "$process" 2>/dev/null || :; rm -rf "$directory"' EXIT
# No keyring: the store of the system is a file then.
unset DBUS_SESSION_BUS_ADDRESS DISPLAY WAYLAND_DISPLAY
export XDG_RUNTIME_DIR="$directory" XDG_STATE_HOME="$directory" TACIT_STORE_KEY_FILE="$directory/key"

fail() {
    cat "$directory/output" >&2
    echo "FAILED: $1" >&2
    exit 1
}
pages() { # the password, then the paths; what it prints goes to the file output
    password=$1
    shift
    printf 'alice\n%s\n' "$password" |
        "$cplusplus" "$url/token" test-client "$url" "$@" >"$directory/output" 2>&1
}
has() { # how often, which line
    [ "$(grep -c "$2" "$directory/output")" -eq "$1" ] || fail "not $1 times: $2"
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

! pages "not the password" /api/page || fail "a wrong password was taken"
has 1 "^TACIT_ERR_OAUTH: "
pages wonderland /api/one /api/two /api/three || fail "the first start failed"
has 3 "^200$"
has 1 "^User name"
has 2 "^event: "
pages "" /api/page || fail "the second start failed"
has 1 "^200$"
has 0 "^User name"
kill "$process"
wait "$process" 2>/dev/null || :
process=
! pages "" /api/page || fail "a server that is gone was not told"
has 1 "^TACIT_ERR_NETWORK: "
