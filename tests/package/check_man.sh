#!/bin/sh
# Each public function has its manual page, and only one; mandoc finds nothing to complain of.
#   check_man.sh MAN3_DIRECTORY
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
pages=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "man: $1" >&2
    exit 1
}

find "$pages" -type f -name '*.3' | sort >"$work/pages"
[ -s "$work/pages" ] || fail "there are no pages in $pages"
# That others are not installed is no fault of a page's; "style" is more than a warning's worth.
xargs mandoc -Tlint -Wstyle <"$work/pages" >"$work/lint" || true
! grep -vE 'STYLE: (referenced manual not found|input text line longer than 80 bytes)' "$work/lint" || fail "mandoc complains"

# The names under which the pages can be found, and what SYNOPSIS says of each.
while read -r page; do
    sed -n 's/^\.Nm \([a-z0-9_]*\).*/\1/p' "$page"
done <"$work/pages" | grep -vx tacit | sort >"$work/named"
xargs sed -n 's/^\.Fo //p' <"$work/pages" | sort >"$work/described"
cmp "$work/named" "$work/described" || fail "NAME and SYNOPSIS disagree"
sort "$root/tests/package/symbols.txt" >"$work/symbols"
missing=$(comm -23 "$work/symbols" "$work/named" | tr '\n' ' ')
[ -z "$missing" ] || fail "no page has $missing"
twice=$(uniq -d "$work/named" | tr '\n' ' ')
[ -z "$twice" ] || fail "several pages have $twice"
while read -r name; do
    grep -q "^\.Nm $name\( ,\)\{0,1\}$" "$pages/$name.3" || fail "man $name does not lead to its page"
done <"$work/named"
# What a header says of several functions does not stand with the struct before them.
for page in sign_in store; do
    awk '/^\.Ss /{ caption = $0 } /^Each (waits until|is yours)/ && caption != ".Ss The functions below" { wrong = 1 }
        END { exit wrong }' "$pages/tacit_$page.3" || fail "tacit_$page.3 has what is about its functions at a struct"
done
echo "man: $(wc -l <"$work/named") functions on $(wc -l <"$work/pages") pages"
