#!/bin/sh
# README.md's first C program is examples/quickstart.c, and that is short enough to be read. It names
# every provider of examples/providers/ and no other, and every key of a dialect.
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

fail() {
    echo "readme: $1" >&2
    exit 1
}
providers=0
for file in "$root"/examples/providers/*.json; do
    name=$(basename "$file")
    grep -q "(examples/providers/$name)" "$root/README.md" || fail "README.md does not name $name"
    providers=$((providers + 1))
done
for name in $(grep -o '(examples/providers/[a-z_0-9]*\.json)' "$root/README.md" | tr -d '()'); do
    [ -e "$root/$name" ] || fail "README.md names $name, which is not there"
done
# The keys are in the lists against which the library holds a dialect.
sed -n '/^### What a dialect can say/,/^### /p' "$root/README.md" >"$work/dialect"
sed -n '/names\[\] = {/,/}/p; /_names\[/,/}/p; /members_of(/,/^}/p' "$root"/src/oauth/dialect.c \
    "$root"/src/oauth/dialect_request.c | grep -o '"[a-z_]*"' | tr -d '"' | sort -u >"$work/keys"
[ "$(wc -l <"$work/keys")" -ge 25 ] || fail "only $(wc -l <"$work/keys") keys of a dialect were found"
while read -r key; do
    grep -q "\`$key\`" "$work/dialect" || fail "the table of the dialect does not have \"$key\""
done <"$work/keys"
echo "readme: $providers providers and $(wc -l <"$work/keys") keys of a dialect are named"
echo "readme: the quickstart is examples/quickstart.c, $lines lines"
