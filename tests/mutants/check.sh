#!/bin/sh
# Each mutant of the library must turn red what its "red:" line names (any one of the tests there), and
# without a mutant those are green. A mutant that no longer applies or compiles fails too.
#   check.sh BUILD_DIRECTORY [CMAKE_ARGUMENT...]    a directory of this script's own
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 1 ] || { echo "usage: check.sh BUILD_DIRECTORY [CMAKE_ARGUMENT...]" >&2; exit 2; }
work=$1
shift
mkdir -p "$work"
rm -rf "$work/tree"
mkdir "$work/tree"
(cd "$root" && tar cf - CMakeLists.txt include src platform tests examples README.md) |
    (cd "$work/tree" && tar xf -)
cmake -S "$work/tree" -B "$work/build" "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

build() {
    # shellcheck disable=SC2086 # a list of targets
    cmake --build "$work/build" --parallel 2 --target $1 >"$work/log" 2>&1 ||
        { cat "$work/log"; return 1; }
}
# Whether all of the tests pass.
green() {
    for test in $1; do
        (cd "$work/build" && ctest -R "^$test\$" --timeout 60 >"$work/log" 2>&1) || return 1
    done
}

failed=0
for patch in "$root"/tests/mutants/*.patch; do
    name=$(basename "$patch" .patch)
    tests=$(sed -n 's/^red: //p' "$patch")
    build "$tests" && green "$tests" || { echo "$name: its tests are not green without it" >&2; exit 1; }
    patch -s -F0 -p1 -d "$work/tree" <"$patch" || { echo "$name: does not apply" >&2; exit 1; }
    build "$tests" || { echo "$name: does not compile" >&2; exit 1; }
    if green "$tests"; then
        echo "$name: survived $tests" >&2
        failed=$((failed + 1))
    else
        echo "$name: found by $test"
    fi
    patch -s -F0 -R -p1 -d "$work/tree" <"$patch"
done
exit "$failed"
