#!/bin/sh
# README.md's first C program is examples/quickstart.c, and that is short enough to be read.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk '/^```c$/ { inside = 1; block = ""; next }
     /^```$/ && inside { inside = 0; if (block ~ /int main/) { printf "%s", block; exit } }
     inside { block = block $0 "\n" }' "$root/README.md" >"$work/readme.c"
[ -s "$work/readme.c" ] || { echo "readme: README.md has no C block with int main" >&2; exit 1; }
diff -u "$root/examples/quickstart.c" "$work/readme.c" || {
    echo "readme: README.md and examples/quickstart.c differ" >&2
    exit 1
}
lines=$(wc -l <"$root/examples/quickstart.c")
[ "$lines" -le 60 ] || { echo "readme: quickstart.c has $lines lines, more than 60" >&2; exit 1; }
echo "readme: the quickstart is examples/quickstart.c, $lines lines"
