#!/bin/sh
# Builds tacit for Windows with mingw-w64, and its tests:
#   build.sh DIRECTORY [CMAKE-OPTION...]
# then ctest --test-dir DIRECTORY/build runs the tests, under wine. The libraries come from Debian's sources first;
# what DIRECTORY has already is kept.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd)
shift
jobs=$(nproc 2>/dev/null || echo 2)

sh "$here/libraries.sh" "$work"
export WINDOWS_ROOT="$work/root" PKG_CONFIG_LIBDIR="$work/root/lib/pkgconfig"
cmake -S "$root" -B "$work/build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$here/toolchain.cmake" \
    -DCMAKE_BUILD_TYPE=None "-DCMAKE_C_FLAGS=-O1 -DCURL_STATICLIB" -DCMAKE_EXE_LINKER_FLAGS=-static \
    -DCMAKE_SHARED_LINKER_FLAGS=-static -DTACIT_WERROR=ON -DTACIT_BUILD_TESTS=ON \
    "-DTACIT_TESTS=^(unit|integration|windows)_" "-DTACIT_TEST_LAUNCHER=sh;$here/wine.sh" \
    "-DCMAKE_INSTALL_PREFIX=$work/root" "$@"
cmake --build "$work/build" -j "$jobs"
