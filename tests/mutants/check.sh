#!/bin/sh
# Each mutant of the library must turn red what its "red:" line names (any one of the tests there), and
# without a mutant those are green. A mutant that no longer applies or compiles fails too.
#   check.sh BUILD_DIRECTORY [CMAKE_ARGUMENT...]    a directory of this script's own
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 1 ] || { echo "usage: check.sh BUILD_DIRECTORY [CMAKE_ARGUMENT...]" >&2; exit 2; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
shift
rm -rf "$work/tree" "$work/tmp"
mkdir "$work/tree" "$work/tmp"
(cd "$root" && tar cf - CMakeLists.txt include src platform tests examples README.md) |
    (cd "$work/tree" && tar xf -)
cmake -S "$work/tree" -B "$work/build" "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

# A test ends with its first failure: after it a mutant may have it wait for what never comes.
export CMOCKA_TEST_ABORT=1
export TMPDIR="$work/tmp" # what such a test leaves behind
ulimit -c 0

tests_of() {
    sed -n 's/^red: //p' "$@" | tr ' ' '\n' | sort -u | tr '\n' ' '
}
build() {
    # shellcheck disable=SC2086 # a list of targets
    cmake --build "$work/build" --parallel 2 --target $1 >"$work/log" 2>&1
}
# Whether all of the tests pass; else $test did not.
green() {
    for test in $1; do
        (cd "$work/build" && ctest -R "^$test\$" --no-tests=error --timeout 60 >"$work/log" 2>&1) ||
            return 1
    done
}
applies() {
    patch -s -F0 -p1 -d "$work/tree" "$@" >"$work/log" 2>&1
}

all=$(tests_of "$root"/tests/mutants/*.patch)
build "$all" || { cat "$work/log"; exit 1; }
green "$all" || { cat "$work/log"; echo "$test is not green without a mutant" >&2; exit 1; }

failed=0
for patch in "$root"/tests/mutants/*.patch; do
    name=$(basename "$patch" .patch)
    tests=$(tests_of "$patch")
    problem=
    if ! applies --dry-run <"$patch"; then
        problem="does not apply"
    else
        applies <"$patch"
        if ! build "$tests"; then
            problem="does not compile"
        elif green "$tests"; then
            problem="survived $tests"
        fi
        applies -R <"$patch"
    fi
    if [ -n "$problem" ]; then
        echo "$name: $problem" >&2
        failed=$((failed + 1))
    else
        echo "$name: found by $test"
    fi
done
[ "$failed" -eq 0 ]
