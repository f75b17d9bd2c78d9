#!/bin/sh
# Installs a build into a fresh prefix and uses it as others do: find_package and pkg-config, shared
# and static.
#   check_consumer.sh BUILD_DIRECTORY COMPILER
set -eu
build=$1
cc=$2
consumer=$(cd "$(dirname "$0")" && pwd)/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "consumer: $1" >&2
    exit 1
}
# needs PROGRAM LIBRARY: whether the loader has to find it.
needs() {
    readelf -d "$1" | grep -q "NEEDED.*\[$2\.so"
}

cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
library=$(dirname "$(find "$work/prefix" -name libtacit.a)")
[ -e "$library/libtacit.so" ] || fail "the shared library was not installed"
[ ! -e "$work/prefix/bin/tacit" ] || "$work/prefix/bin/tacit" --version

echo "consumer: find_package"
cmake -S "$consumer" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_C_COMPILER="$cc" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/cmake" >"$work/log" || { cat "$work/log"; exit 1; }
"$work/cmake/consumer"
"$work/cmake/consumer_static"
needs "$work/cmake/consumer" libtacit || fail "tacit::tacit is not the shared library"
! needs "$work/cmake/consumer" libcurl || fail "tacit::tacit drags libcurl into its users"
! needs "$work/cmake/consumer_static" libtacit || fail "tacit::tacit_static is not static"

echo "consumer: pkg-config"
export PKG_CONFIG_PATH="$library/pkgconfig"
# The flags are words.
# shellcheck disable=SC2046
$cc -o "$work/shared" "$consumer/main.c" $(pkg-config --cflags --libs tacit)
LD_LIBRARY_PATH=$library "$work/shared"
needs "$work/shared" libtacit || fail "pkg-config does not name the shared library"

echo "consumer: pkg-config --static"
rm "$library"/libtacit.so*
# shellcheck disable=SC2046
$cc -o "$work/static" "$consumer/main.c" $(pkg-config --static --cflags --libs tacit)
"$work/static"
! needs "$work/static" libtacit || fail "pkg-config --static does not name the static library"

echo "consumer: a static library alone"
rm "$library/cmake/tacit"/tacit-targets*.cmake
cmake -S "$consumer" -B "$work/alone" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_C_COMPILER="$cc" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/alone" >"$work/log" || { cat "$work/log"; exit 1; }
"$work/alone/consumer"
