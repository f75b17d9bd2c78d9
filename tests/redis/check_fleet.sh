#!/bin/sh
# check_fleet.sh SERVER FLEET: one machine is given a refresh token; another, which was given none, has
# the page too; a third with another key has not, and leaves the record alone. Redis is set up as README.md says, and
# allows no more than that, and nothing to who gives no password.
set -eu

server=$1
fleet=$2
here=$(cd "$(dirname "$0")" && pwd)
command -v redis-server >/dev/null || { echo "redis-server is not installed: nothing can be tested with it"; exit 0; }
directory=$(mktemp -d "${TMPDIR:-/tmp}/tacit-test.XXXXXX")
processes=
trap '[ -z "$processes" ] || kill $processes 2>/dev/null || :; rm -rf "$directory"' EXIT
trap 'exit 130' HUP INT TERM

fail() {
    cat "$directory/output" >&2
    echo "FAILED: $1" >&2
    exit 1
}
page() { # the key's file, and the URL of Redis; what it prints goes to the file output
    "$fleet" "{\"token_endpoint\": \"$url/token\"}" test-client "$url" "$url/api/page" \
        "${2:-redis://robot:password@127.0.0.1:$port}" "$directory/$1" >"$directory/output" 2>&1
}
await() { # test WHAT
    tries=0
    until test "$@"; do
        # shellcheck disable=SC2086
        kill -0 $processes 2>/dev/null || { cat "$directory"/*.log >&2; fail "the server or Redis ended"; }
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || fail "no $2"
        sleep 0.05
    done
}

: >"$directory/output"
"$server" --max-seconds 60 --port-file "$directory/port" >"$directory/server.log" 2>&1 &
processes=$!
sed -n '/^appendonly yes$/,/^```$/p' "$here/../../README.md" | sed '/^```$/d; s/^bind .*/bind 127.0.0.1/' \
    >"$directory/redis.conf"
grep -q "^user default off$" "$directory/redis.conf" || fail "README.md does not say how Redis is set up"
port=$((20000 + $$ % 20000))
last=$((port + 20))
until [ -S "$directory/redis" ]; do # at a port that is free
    redis-server "$directory/redis.conf" --port $port --unixsocket "$directory/redis" --save "" \
        --dir "$directory" >"$directory/redis.log" 2>&1 &
    redis=$!
    processes="$processes $redis"
    while kill -0 $redis 2>/dev/null && [ ! -S "$directory/redis" ]; do sleep 0.05; done
    [ -S "$directory/redis" ] && break
    processes=${processes% *}
    port=$((port + 1))
    [ $port -lt $last ] || { cat "$directory/redis.log" >&2; fail "Redis does not start"; }
done
await -s "$directory/port"
url="http://127.0.0.1:$(cat "$directory/port")"
head -c 32 /dev/urandom >"$directory/key"
head -c 32 /dev/urandom >"$directory/another"

! page key "unix://$directory/redis" || fail "there is a page without a password"
grep -q "^load: TACIT_ERR_STORE_FAILED: .*asks for a password" "$directory/output" ||
    fail "who gives no password is let in"
! page key || fail "there is a page without a sign-in"
grep -q "^request: TACIT_ERR_SIGN_IN_REQUIRED: " "$directory/output" || fail "nobody asks for a sign-in"
! FLEET_REFRESH_TOKEN=unknown page key || fail "there is a page with a refresh token that nobody gave"
grep -q "^sign-in: TACIT_ERR_" "$directory/output" || fail "a refused refresh token is not named"
token=$(curl -s -d grant_type=password -d username=alice -d password=wonderland -d client_id=test-client \
    "$url/token" | sed -n 's/.*"refresh_token": *"\([^"]*\)".*/\1/p')
[ -n "$token" ] || fail "the server gave no refresh token"
FLEET_REFRESH_TOKEN=$token page key || fail "the first machine failed"
grep -q "^200$" "$directory/output" || fail "the first machine has no page"
page key || fail "the second machine failed"
grep -q "^200$" "$directory/output" || fail "the second machine has no page"
! page another || fail "another key was taken"
grep -q "^load: TACIT_ERR_STORE_CORRUPT: " "$directory/output" || fail "another key is not named"
page key || fail "the record is gone"
ln -s /dev/stdin "$directory/stdin"
key=$directory/key
left=$(cat "$key" "$key" "$key" "$key" "$key" "$key" "$key" "$key" | { page stdin || :; wc -c; })
grep -q "^200$" "$directory/output" || fail "the key is not read from a pipe"
[ "$left" -gt 0 ] || fail "more than the key is read, into memory that nobody wipes"

lines=$(wc -l <"$here/../../examples/fleet.c")
[ "$lines" -le 60 ] || fail "fleet.c has $lines lines, more than 60"
