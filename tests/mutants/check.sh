#!/bin/sh
# Each mutant of the library must turn red what its "red:" line names (any one of the tests there), and
# without a mutant those are green. A mutant that no longer applies or compiles fails too. Several are
# looked at side by side, each by a worker with sources and a build of its own. Each EVERYth is tried (1: all);
# which ones changes with the library's sources. All must apply.
#   check.sh EVERY BUILD_DIRECTORY [CMAKE_ARGUMENT...]    a directory of this script's own
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 2 ] || { echo "usage: check.sh EVERY BUILD_DIRECTORY [CMAKE_ARGUMENT...]" >&2; exit 2; }
every=$1
mkdir -p "$2"
directory=$(cd "$2" && pwd)
shift 2
# One more than processors: most of the time their tests wait.
workers=$(seq $(($(nproc 2>/dev/null || echo 2) + 1)))

# A test ends with its first failure: after it a mutant may have it wait for what never comes.
export CMOCKA_TEST_ABORT=1
ulimit -c 0

tests_of() {
    sed -n 's/^red: //p' "$@" | tr ' ' '\n' | sort -u | tr '\n' ' '
}
# From here on everything is in the directory of worker $1.
as_worker() {
    work=$directory/$1
    export TMPDIR="$work/tmp" # what a test that ends early leaves behind
}
build() {
    # shellcheck disable=SC2086 # a list of targets
    cmake --build "$work/build" --parallel 1 --target $1 >"$work/log" 2>&1
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

rest=$(($(cat "$root"/src/*/*.[ch] "$root"/platform/*.[ch] | cksum | cut -d' ' -f1) % every))
cd "$root/tests/mutants"
# shellcheck disable=SC2012 # names of ours
chosen=$(ls ./*.patch | awk -v every="$every" -v rest="$rest" 'NR % every == rest')
# shellcheck disable=SC2086 # a list of files
all=$(tests_of $chosen)
# prepare WORKER CMAKE_ARGUMENT...: what the mutants are to be tried on.
prepare() {
    as_worker "$1"
    shift
    rm -rf "$work/tree" "$work/tmp"
    mkdir -p "$work/tree" "$work/tmp"
    (cd "$root" && tar cf - CMakeLists.txt include src platform tests examples README.md) |
        (cd "$work/tree" && tar xf -)
    cmake -S "$work/tree" -B "$work/build" "$@" >"$work/log" 2>&1 && build "$all" && return
    cat "$work/log" >&2
    return 1
}

# try PATCH: a line that says which test found it; false where none did.
try() {
    name=$(basename "$1" .patch)
    tests=$(tests_of "$1")
    problem=
    applies <"$1"
    if ! build "$tests"; then
        problem="does not compile"
    elif green "$tests"; then
        problem="survived $tests"
    fi
    applies -R <"$1"
    [ -z "$problem" ] || { echo "$name: $problem" >&2; return 1; }
    echo "$name: found by $test"
}
# Whoever makes the directory has the mutant.
try_what_is_left() {
    as_worker "$1"
    failed=0
    for patch in $chosen; do
        mkdir "$directory/taken/$patch" 2>/dev/null || continue
        try "$patch" || failed=1
    done
    return "$failed"
}
# side_by_side COMMAND ARGUMENT...: by each worker; false where one says so.
side_by_side() {
    command=$1
    shift
    pids=
    for worker in $workers; do
        "$command" "$worker" "$@" &
        pids="$pids $!"
    done
    failed=0
    for pid in $pids; do wait "$pid" || failed=1; done
    return "$failed"
}

rm -rf "$directory/taken"
mkdir "$directory/taken"
side_by_side prepare "$@" || exit 1
as_worker 1
for patch in *.patch; do
    applies --dry-run <"$patch" || { cat "$work/log"; echo "$patch does not apply" >&2; exit 1; }
done
green "$all" || { cat "$work/log"; echo "$test is not green without a mutant" >&2; exit 1; }
side_by_side try_what_is_left
