#!/bin/sh
# check_ten_minutes.sh SERVER TACIT: the page examples/providers/README.md says what is so. Its ```sh
# blocks are run, one after the other in one shell, against a server that has the routes of the page;
# a ```text block must be what the block before it printed.
set -eu

server=$1
tacit=$2
page=$(cd "$(dirname "$0")/../../examples/providers" && pwd)/README.md
work=$(mktemp -d "${TMPDIR:-/tmp}/tacit-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

mkdir "$work/bin" "$work/home" "$work/here" "$work/blocks"
ln -s "$tacit" "$work/bin/tacit"
head -c 32 /dev/urandom >"$work/key"
chmod 600 "$work/key"
unset XDG_CONFIG_HOME XDG_STATE_HOME DBUS_SESSION_BUS_ADDRESS DISPLAY WAYLAND_DISPLAY
export HOME="$work/home" PATH="$work/bin:$PATH" TACIT_STORE_KEY_FILE="$work/key"

# A fifo, so that the server ends when this script does.
mkfifo "$work/life"
"$server" <"$work/life" >"$work/url" &
exec 9>"$work/life"
tries=0
until [ -s "$work/url" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { echo "FAILED: the server did not start" >&2; exit 1; }
    sleep 0.05
done
url=$(cat "$work/url")

# blocks/1, 2 ...: the commands; blocks/1.text ...: what they print.
awk -v to="$work/blocks/" '
    /^```sh$/ { file = to (++count); next }
    /^```text$/ { file = to count ".text"; printf "" >file; next }
    /^```/ { file = ""; next }
    file != "" { print >file }' "$page"
blocks=$(find "$work/blocks" -name '*[0-9]' | wc -l)
texts=$(find "$work/blocks" -name '*.text' | wc -l)
[ "$blocks" -ge 7 ] && [ "$texts" -ge 5 ] ||
    { echo "FAILED: the page has $blocks blocks of commands and $texts of text" >&2; exit 1; }

cd "$work/here"
block=0
while [ "$block" -lt "$blocks" ]; do
    block=$((block + 1))
    commands=$work/blocks/$block
    sed -i "s|https://api.example.com|$url|g" "$commands"
    set +e
    . "$commands" >"$work/output" 2>"$work/errors" 9>&-
    code=$?
    set -e
    if [ -e "$commands.text" ]; then # the commands may end badly, where that is what is shown
        sed -i "s|$url|https://api.example.com|g" "$work/output"
        diff -u "$commands.text" "$work/output" && continue
    elif [ "$code" -eq 0 ]; then
        continue
    fi
    cat "$commands" "$work/errors" >&2
    echo "FAILED: these commands ended with $code, and what they print is not what the page shows" >&2
    exit 1
done
[ -z "$(find "$work/home/.config/tacit" -name '*.json')" ] || {
    echo "FAILED: the sign-in of the page is not forgotten" >&2
    exit 1
}
echo "ten minutes: $blocks blocks of commands do what the page says"
