#!/bin/sh
# What the static build with musl links: jansson, mbedTLS and libcurl, from Debian's sources.
#   musl.sh DIRECTORY SOURCES-LINE
# They come to DIRECTORY/root. The system's own sources list is not touched.
set -eu
work=$1
root=$work/root
[ ! -e "$root/lib/complete" ] || exit 0
apt=$work/apt
src=$work/src
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$src" "$root/include" "$root/lib"
echo "$2" >"$apt/sources.list"
jobs=$(nproc 2>/dev/null || echo 2)

# As whoever runs this, not as apt's own user, who may not write here.
apt_get() {
    apt-get -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root "$@"
}
apt_get update
(cd "$src" && apt_get source --download-only jansson mbedtls curl)

# unpack NAME: the sources as their authors made them, with Debian's patches where dpkg-source is there.
unpack() {
    rm -rf "$src/$1"
    (cd "$src" && dpkg-source --no-check -x "$1"_*.dsc "$1")
    cd "$src/$1"
}
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
LDFLAGS="-L$root/lib" CPPFLAGS="-I$root/include" configure --with-mbedtls="$root" --without-ssl-default-backend \
    --disable-ftp --disable-file --disable-ldap --disable-ldaps --disable-rtsp --disable-dict --disable-telnet \
    --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp --disable-gopher --disable-mqtt \
    --disable-manual --disable-ntlm --without-libpsl --without-zlib --without-brotli --without-zstd \
    --without-libidn2 --without-nghttp2 --without-librtmp --without-libssh2 --disable-threaded-resolver
make -C lib -j "$jobs" install
make -C include install
make install-pkgconfigDATA

# musl has no headers of the kernel's.
for headers in linux asm-generic; do ln -sfn "/usr/include/$headers" "$root/include/$headers"; done
ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$root/include/asm"
touch "$root/lib/complete"
