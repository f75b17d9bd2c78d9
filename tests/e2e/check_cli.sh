#!/bin/sh
# The tacit command with a real authorization server: a device's sign-in, from login to logout.
# usage: check_cli.sh NODE SCRIPTS TACIT
set -eu
node=$1
scripts=$2
tacit=$3

directory=$(mktemp -d "${TMPDIR:-/tmp}/tacit-e2e.XXXXXX")
export HOME="$directory" XDG_CONFIG_HOME="$directory/config" XDG_STATE_HOME="$directory/state"
mkfifo "$directory/in" "$directory/out" "$directory/words"

# It ends with its standard input.
"$node" "$scripts/server.mjs" <"$directory/in" >"$directory/out" 2>&1 &
server=$!
exec 3>"$directory/in" 4<"$directory/out"
cleanup() {
    exec 3>&-
    wait "$server" || true
    rm -rf "$directory"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM

while read -r word issuer; do [ "$word" != ready ] || break; done <&4
cat <&4 >"$directory/log" 3>&- &

fail() {
    echo "$1" >&2
    exit 1
}

# The person reads the words for people, and enters the code.
"$tacit" login "$issuer" --client-id app --device --scope "openid offline_access profile" \
    --param prompt=consent --origin "$issuer" --store "file:$directory/store,$directory/key" \
    3>&- 2>"$directory/words" &
login=$!
exec 5<"$directory/words"
uri=
code=
while [ -z "$code" ] && read -r words; do
    case $words in
        "On another device, open "*) uri=${words##* } ;;
        "and enter the code "*) code=${words##* } ;;
    esac
done <&5
[ -n "$uri" ] && [ -n "$code" ] || fail "login showed no code"
cat <&5 >&2 3>&- &
"$node" "$scripts/user.mjs" --code "$code" "$uri" 3>&-
wait "$login" || fail "login ended with $?"

"$tacit" status --json | grep -q '"signed_in"' || fail "status does not know the sign-in"
"$tacit" status | grep -q alice || fail "status does not know who it is"
token=$("$tacit" token --min-valid 0)
[ -n "$token" ] || fail "no token"
[ "$("$tacit" request "$issuer/api/hello")" = '{"hello":"alice"}' ] || fail "the API does not know her"
"$tacit" refresh
newer=$("$tacit" token --min-valid 0)
[ "$newer" != "$token" ] || fail "the refresh brought no new token"
"$tacit" request "$issuer/api/hello" >/dev/null
"$tacit" logout
code=0
"$tacit" token 2>/dev/null || code=$?
[ "$code" -eq 3 ] || fail "after logout, token ended with $code"
echo "login, status, token, request, refresh and logout went well"
