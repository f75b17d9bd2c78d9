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
    [ "${header##*/}" != redis.h ] || continue # of a library beside it
    grep -v '^#' "$header" | tr '\n' ' '
done | grep -oE 'TACIT_API [^;(]*\(' | sed -E 's/.*[ *]([a-z0-9_]+)\($/\1/' |
    sort >"$work/declared"

for other in declared exported; do
    diff -u --label symbols.txt --label $other "$work/listed" "$work/$other" || {
        echo "symbols: symbols.txt and what is $other disagree" >&2
        exit 1
    }
done
echo "symbols: $(wc -l <"$work/listed") exported"
