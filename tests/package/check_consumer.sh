#!/bin/sh
# Installs a build into a fresh prefix and uses it as others do: find_package and pkg-config, shared
# and static. What the build was told of another processor holds for its users too.
#   check_consumer.sh BUILD_DIRECTORY COMPILER
# COMPILER may be several words; of a cross build, with . DIRECTORY/environment (tests/firmware/build.sh).
set -eu
build=$1
cc=$2
consumer=$(cd "$(dirname "$0")" && pwd)/consumer
# A package is found where the system of that processor is.
work=$(mktemp -d "${FIRMWARE_ROOT:-${TMPDIR:-/tmp}}/tacit-consumer.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "consumer: $1" >&2
    exit 1
}
# needs PROGRAM LIBRARY: whether the loader has to find it.
needs() {
    readelf -d "$1" | grep -q "NEEDED.*\[$2\.so"
}
cached() {
    sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}
launcher=$(cached TACIT_TEST_LAUNCHER | tr ';' ' ')
toolchain=$(cached CMAKE_TOOLCHAIN_FILE)
quiet() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$*"; }
}
# configure_consumer DIRECTORY OPTION...
configure_consumer() {
    if [ -n "$toolchain" ]; then
        set -- "$@" "-DCMAKE_TOOLCHAIN_FILE=$toolchain"
    else
        set -- "$@" "-DCMAKE_C_COMPILER=$cc"
    fi
    # Of a small build each program would be optimised as a whole: not for these.
    cmake -S "$consumer" -B "$@" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_EXE_LINKER_FLAGS=-fno-lto
}
# build_consumer DIRECTORY OPTION...
build_consumer() {
    quiet configure_consumer "$@"
    quiet cmake --build "$1"
}
# refuses WHAT OPTION...: it is not found for who asks for that.
refuses() {
    what=$1
    shift
    ! configure_consumer "$work/refused" "$@" >"$work/log" 2>&1 || fail "find_package takes it for $what"
    rm -rf "$work/refused"
}

version() {
    sed -n "s/^#define TACIT_VERSION_$1 //p" "$(cached CMAKE_HOME_DIRECTORY)/include/tacit/client.h"
}
redis=
[ "$(cached TACIT_BUILD_REDIS)" != ON ] || redis=redis
quiet cmake --install "$build" --prefix "$work/prefix"
library=$(dirname "$(find "$work/prefix" -name libtacit.a)")
[ -e "$library/libtacit.so" ] || fail "the shared library was not installed"
[ ! -e "$work/prefix/bin/tacit" ] || $launcher "$work/prefix/bin/tacit" --version

echo "consumer: find_package"
build_consumer "$work/cmake" "-DTACIT_VERSION=$(version MAJOR).$(version MINOR)" "-DTACIT_COMPONENTS=static;$redis"
refuses "a later version" "-DTACIT_VERSION=$(version MAJOR).$(($(version MINOR) + 1))"
refuses "one with a component that there is not" -DTACIT_COMPONENTS=nothing
$launcher "$work/cmake/consumer"
$launcher "$work/cmake/consumer_static"
needs "$work/cmake/consumer" libtacit || fail "tacit::tacit is not the shared library"
! needs "$work/cmake/consumer" libcurl || fail "tacit::tacit drags libcurl into its users"
! needs "$work/cmake/consumer_static" libtacit || fail "tacit::tacit_static is not static"

if [ -n "$redis" ]; then
    echo "consumer: the store in Redis"
    "$work/cmake/consumer_redis"
    "$work/cmake/consumer_redis_static"
    needs "$work/cmake/consumer_redis" libtacit-redis || fail "tacit::redis is not the shared library"
    ! needs "$work/cmake/consumer_redis_static" libtacit-redis || fail "tacit::redis_static is not static"
fi

echo "consumer: pkg-config"
export PKG_CONFIG_PATH="$library/pkgconfig"
# The flags are words.
# shellcheck disable=SC2046
$cc -o "$work/shared" "$consumer/main.c" $(pkg-config --cflags --libs tacit)
LD_LIBRARY_PATH=$library $launcher "$work/shared"
needs "$work/shared" libtacit || fail "pkg-config does not name the shared library"
if [ -e "$library/pkgconfig/tacit-redis.pc" ]; then
    # shellcheck disable=SC2046
    $cc -o "$work/redis" "$consumer/redis.c" $(pkg-config --cflags --libs tacit-redis)
    LD_LIBRARY_PATH=$library "$work/redis"
    exported=$(nm -D --defined-only "$library/libtacit-redis.so" | awk '{ print $NF }')
    [ "$exported" = tacit_store_redis ] || fail "libtacit-redis exports $exported"
    ! needs "$work/redis" libhiredis || fail "tacit-redis drags hiredis into its users"
fi

echo "consumer: pkg-config of a system's package"
DESTDIR=$work/system quiet cmake --install "$build" --prefix /usr
relative=$(find "$work/system" -name '*.pc' -exec grep -Lx 'prefix=/usr' {} +)
[ -z "$relative" ] || fail "${relative##*/} does not name /usr, and its directories come to be -I and -L"

rm "$library"/libtacit*.so*
if [ -z "$toolchain" ]; then # there the system has no static libcurl, nor what that asks for
    echo "consumer: pkg-config --static"
    # shellcheck disable=SC2046
    $cc -o "$work/static" "$consumer/main.c" $(pkg-config --static --cflags --libs tacit)
    "$work/static"
    ! needs "$work/static" libtacit || fail "pkg-config --static does not name the static library"
fi

echo "consumer: a static library alone"
rm -f "$library/cmake/tacit"/tacit-targets*.cmake "$library/cmake/tacit"/tacit_redis-targets*.cmake
build_consumer "$work/alone" "-DTACIT_COMPONENTS=static;$redis"
$launcher "$work/alone/consumer"
refuses "one whose dependencies are there" -DPKG_CONFIG_EXECUTABLE="$work/none"
rm "$library/cmake/tacit"/tacit_redis*.cmake 2>/dev/null || :
refuses "one with Redis" -DTACIT_COMPONENTS=redis
