#!/bin/sh
# Builds tacit as firmware has it, for another processor or C library, with tests for it:
#   build.sh armhf|arm64|musl DIRECTORY [CMAKE-OPTION...]
# then ctest --test-dir DIRECTORY/build runs the tests, under qemu where the processor is another, and
# `. DIRECTORY/environment` is what toolchain.cmake and pkg-config want of a project that uses the library.
#
# armhf, arm64: Debian's cross compiler, and its packages for that processor from where the system has its own from (mmdebstrap).
# musl: the examples alone, static, with mbedTLS; jansson, mbedTLS and libcurl are built from Debian's sources first.
# What DIRECTORY has already is kept. qemu-user knows no raw clone() and no orphans: leave out unit_os and unit_process_lock_processes there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=$1
mkdir -p "$2"
work=$(cd "$2" && pwd)
shift 2
jobs=$(nproc 2>/dev/null || echo 2)
. "$here/../support/debian_sources.sh"

# The profile: what is left out of firmware. A device has no browser and no desktop's keyring, and its maker chose the server it talks to:
# mostly one that is plain OAuth.
profile="-DTACIT_SMALL=ON -DTACIT_WITH_BROWSER=OFF -DTACIT_WITH_LIBSECRET=OFF -DTACIT_WITH_KEYCTL=OFF \
-DTACIT_WITH_DIALECTS=OFF"

# Of the tests that start other programs only the daemon's, which ask qemu for it.
tests="unit_|integration_(flight|rotation|schedule|year_2038|expiry|store_file|store_file_session|\
device_code|device_daemon|device_offline|device_crash|send_request|send_async|refresh_storm|switches)\$"

# make_sysroot ARCHITECTURE
make_sysroot() {
    [ ! -e "$work/root/usr/include/jansson.h" ] || return 0
    rm -rf "$work/root"
    debian_source deb >"$work/sources.list"
    mode=
    [ "$(id -u)" -ne 0 ] || mode=--mode=root
    mmdebstrap $mode --variant=extract --architectures="$1" \
        --include=libc6-dev,libcurl4-openssl-dev,libjansson-dev,libssl-dev,libcmocka-dev,libmicrohttpd-dev,zlib1g-dev \
        "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$work/root" "$work/sources.list"
}

case $target in
    armhf)
        make_sysroot armhf
        triplet=arm-linux-gnueabihf
        export FIRMWARE_PROCESSOR=arm FIRMWARE_COMPILER=$triplet-gcc
        launcher="$(command -v qemu-arm);-L;$work/root"
        ;;
    arm64)
        make_sysroot arm64
        triplet=aarch64-linux-gnu
        export FIRMWARE_PROCESSOR=aarch64 FIRMWARE_COMPILER=$triplet-gcc
        launcher="$(command -v qemu-aarch64);-L;$work/root"
        ;;
    musl)
        sh "$here/musl.sh" "$work"
        triplet=.
        export FIRMWARE_PROCESSOR="$(uname -m)" FIRMWARE_COMPILER=musl-gcc
        launcher=
        profile="$profile -DTACIT_CRYPTO=mbedtls -DBUILD_SHARED_LIBS=OFF -DTACIT_BUILD_TESTS=OFF"
        set -- "-DCMAKE_C_FLAGS=-isystem $work/root/include" \
            "-DCMAKE_EXE_LINKER_FLAGS=-static -L$work/root/lib -Wl,--gc-sections" \
            "-DCMAKE_C_STANDARD_LIBRARIES=-lcurl -lmbedtls -lmbedx509 -lmbedcrypto" "$@"
        ;;
    *)
        echo "usage: build.sh armhf|arm64|musl DIRECTORY [CMAKE-OPTION...]" >&2
        exit 2
        ;;
esac
export FIRMWARE_ROOT="$work/root"
case $target in
    musl)
        export PKG_CONFIG_LIBDIR="$FIRMWARE_ROOT/lib/pkgconfig"
        ;;
    *)
        export PKG_CONFIG_SYSROOT_DIR="$FIRMWARE_ROOT"
        export PKG_CONFIG_LIBDIR="$FIRMWARE_ROOT/usr/lib/$triplet/pkgconfig:$FIRMWARE_ROOT/usr/share/pkgconfig"
        ;;
esac

# What whoever uses the result needs, too.
export -p | grep -E '^export (FIRMWARE|PKG_CONFIG)_' >"$work/environment"

# shellcheck disable=SC2086
cmake -S "$root" -B "$work/build" -DCMAKE_TOOLCHAIN_FILE="$here/toolchain.cmake" \
    -DCMAKE_BUILD_TYPE=MinSizeRel -DTACIT_WERROR=ON -DTACIT_BUILD_CLI=OFF \
    $profile \
    "-DTACIT_TESTS=$tests" "-DTACIT_TEST_LAUNCHER=$launcher" "$@"
cmake --build "$work/build" -j "$jobs"
