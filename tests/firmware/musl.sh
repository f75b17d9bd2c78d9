#!/bin/sh
# What the static build with musl links: jansson, mbedTLS and libcurl, from Debian's sources.
#   musl.sh DIRECTORY
# They come to DIRECTORY/root.
set -eu
. "$(dirname "$0")/../support/debian_sources.sh"
work=$1
root=$work/root
[ ! -e "$root/lib/complete" ] || exit 0
mkdir -p "$root/include" "$root/lib"
jobs=$(nproc 2>/dev/null || echo 2)
fetch_sources "$work" jansson mbedtls curl

export CC=musl-gcc
export CFLAGS="-Os -ffunction-sections -fdata-sections -fPIC"
configure() {
    ./configure --prefix="$root" --host="$(uname -m)-linux-musl" --disable-shared --enable-static \
        --disable-dependency-tracking "$@"
}

by_cmake() {
    cmake -S . -B build -DCMAKE_C_COMPILER="$CC" -DCMAKE_INSTALL_PREFIX="$root" \
        -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF "$@"
    cmake --build build -j "$jobs" --target install
}

unpack jansson
by_cmake -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON

unpack mbedtls
make -j "$jobs" -C library CC="$CC" CFLAGS="$CFLAGS" static
cp -r include/mbedtls include/psa "$root/include"
cp library/lib*.a "$root/lib"

unpack curl
# shellcheck disable=SC2086
LDFLAGS="-L$root/lib" CPPFLAGS="-I$root/include" configure $curl_options --with-mbedtls="$root" \
    --without-ssl-default-backend --disable-threaded-resolver
make -C lib -j "$jobs" install
make -C include install
make install-pkgconfigDATA

# musl has no headers of the kernel's.
for headers in linux asm-generic; do ln -sfn "/usr/include/$headers" "$root/include/$headers"; done
ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$root/include/asm"
touch "$root/lib/complete"
