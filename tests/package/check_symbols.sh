#!/bin/sh
# The shared library exports what symbols.txt lists, and that is what the public headers declare.
#   check_symbols.sh LIBRARY
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

sort "$root/tests/package/symbols.txt" >"$work/listed"
nm -D --defined-only "$1" | awk '{ print $NF }' | sort >"$work/exported"
for header in "$root"/include/tacit/*.h; do
    grep -v '^#' "$header" | tr '\n' ' '
done | grep -oE 'TACIT_API [^;(]*\(' | sed -E 's/.*[ *]([a-z0-9_]+)\($/\1/' |
    sort >"$work/declared"

diff -u --label symbols.txt --label declared "$work/listed" "$work/declared" &&
    diff -u --label symbols.txt --label exported "$work/listed" "$work/exported" || {
    echo "symbols: the list, the headers and the library disagree" >&2
    exit 1
}
echo "symbols: $(wc -l <"$work/listed") exported"
