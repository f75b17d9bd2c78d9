#!/bin/sh
# What tacit and its tests link on Windows: jansson, libcurl with Schannel, cmocka and libmicrohttpd, static, from
# Debian's sources.
#   libraries.sh DIRECTORY
# They come to DIRECTORY/root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../support/debian_sources.sh"
work=$1
root=$work/root
[ ! -e "$root/lib/complete" ] || exit 0
mkdir -p "$root/lib"
jobs=$(nproc 2>/dev/null || echo 2)
export WINDOWS_ROOT="$root"
export CC=x86_64-w64-mingw32-gcc-posix
export CFLAGS="-O1 -D__USE_MINGW_ANSI_STDIO=1" # C's own printf()

configure() {
    ./configure --prefix="$root" --host=x86_64-w64-mingw32 --disable-shared --enable-static \
        --disable-dependency-tracking --silent "$@"
}
by_cmake() {
    cmake -S . -B build -DCMAKE_TOOLCHAIN_FILE="$here/toolchain.cmake" -DCMAKE_BUILD_TYPE=None \
        "-DCMAKE_C_FLAGS=$CFLAGS" -DCMAKE_INSTALL_PREFIX="$root" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF "$@"
    cmake --build build -j "$jobs" --target install
}

fetch_sources "$work" jansson cmocka curl libmicrohttpd

unpack jansson
by_cmake -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON

unpack cmocka
by_cmake -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF -DWITH_STATIC_LIB=ON
mv build/src/libcmocka-static.a "$root/lib/libcmocka.a" # and nobody is to take the DLL
rm -f "$root/lib/libcmocka.dll.a"

unpack curl
# shellcheck disable=SC2086
configure $curl_options --with-schannel
make -C lib -j "$jobs" install
make -C include install
make install-pkgconfigDATA

unpack libmicrohttpd
configure --disable-https --disable-doc --disable-examples --disable-curl --disable-tools --disable-postprocessor \
    --disable-dauth --disable-bauth
make -C src/microhttpd -j "$jobs" install
make -C src/include install
make install-pkgconfigDATA
touch "$root/lib/complete"
