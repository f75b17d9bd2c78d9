#!/bin/sh
# tacit.hpp in each standard, with each compiler, with and without exceptions and RTTI, warnings being
# errors, in a test that runs and in one that waits; and each header alone.
#   check_matrix.sh LIBRARY_DIRECTORY [JOBS]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "$1" && pwd)
jobs=${2:-2}
work=$(mktemp -d "${TMPDIR:-/tmp}/tacit-matrix.XXXXXX")
trap 'rm -rf "$work"' EXIT

# One line for each: what to compile, and how.
for cxx in g++ clang++; do
    for without in "" "-fno-exceptions -fno-rtti"; do
        echo "async $cxx -std=c++17 $without"
        echo "await $cxx -std=c++20 $without"
        echo "await $cxx -std=c++2b $without"
        for standard in 17 20 2b; do
            echo "run $cxx -std=c++$standard $without"
        done
    done
done >"$work/list"
echo "header g++ -std=c++17" >>"$work/list"

cat >"$work/one.sh" <<'END'
set -eu
root=$1 library=$2 work=$3 what=$4
shift 4
compile="$* -pthread -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I$root/include -I$root/tests"
echo "$what: $*"
case $what in
    header)
        for header in "$root"/include/tacit/tacit.hpp "$root"/include/tacit/cxx/*.hpp; do
            $compile -fsyntax-only -include "$header" -x c++ /dev/null
        done ;;
    run)
        $compile -o "$work/run.$$" "$root/tests/cxx/test_result.cpp" -L"$library" -ltacit
        LD_LIBRARY_PATH=$library "$work/run.$$" ;;
    *) $compile -fsyntax-only "$root/tests/cxx/test_$what.cpp" ;;
esac
END
xargs -P "$jobs" -I '{}' sh -c "sh '$work/one.sh' '$root' '$library' '$work' {}" <"$work/list"
