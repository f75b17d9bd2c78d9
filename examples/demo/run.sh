#!/bin/sh
# run.sh SERVER DEMO [--my-keyring] [OPTION...]: runs tacit-demo, in two processes one after the other,
# against a server of its own (the program SERVER). The keyring is its own too, or with --my-keyring
# that of the user's session. OPTIONs are tacit-demo's. Leaves nothing behind.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
server_program=$1
demo=$2
shift 2
my_keyring=
[ "${1:-}" != --my-keyring ] || {
    my_keyring=yes
    shift
}
lifetime_s=5
[ "${1:-}" != --lifetime-s ] || lifetime_s=$2

server=
directory=$(mktemp -d "${TMPDIR:-/tmp}/tacit-demo.XXXXXX")
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || :
    wait
    rm -rf "$directory"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

# Rotation, and a spent refresh token revokes its family: the server's defaults.
"$server_program" --port-file "$directory/port" --max-seconds 180 --own-authorization-port \
    --access-lifetime-ms "$((lifetime_s * 1000))" >"$directory/server.log" 2>&1 &
server=$!
tries=0
until [ -s "$directory/port" ]; do
    tries=$((tries + 1))
    { [ "$tries" -lt 200 ] && kill -0 "$server" 2>/dev/null; } || {
        cat "$directory/server.log" >&2
        echo "The server did not start." >&2
        exit 1
    }
    sleep 0.1
done

set -- "$demo" --server "http://127.0.0.1:$(cat "$directory/port")" \
    --report "$directory/report.json" --state-dir "$directory/state" "$@"
# On Ctrl-C the program signs out and ends, and the scripts around it wait for that.
# shellcheck disable=SC2016
set -- sh -c 'trap : HUP INT TERM
    demo=$1
    shift
    "$demo" first "$@" && "$demo" second "$@"' sh "$@"
code=0
if [ "$my_keyring" ]; then
    "$@" || code=$?
else
    sh "$here/keyring.sh" "$directory" "$@" || code=$?
fi
exit "$code"
