#!/bin/sh
# The Debian packages that platform/packages/debian/build.sh made: lintian is content, they say what they need,
# and what they install works, in a directory of its own.
#   check_debian.sh DIRECTORY
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
made=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "debian: $1" >&2
    exit 1
}
soversion=$(sed -n 's/^set(soversion \([0-9]*\))$/\1/p' "$root/CMakeLists.txt")
runtime=libtacit$soversion
redis=libtacit-redis$soversion

sed -n 's/^ \([a-z0-9_]*\)@.*/\1/p' "$root/platform/packages/debian/$runtime.symbols" |
    diff -u "$root/tests/package/symbols.txt" - >&2 ||
    fail "$runtime.symbols and symbols.txt have different functions"

# A package that was built with a later header depends on a library as new.
for package in "$runtime libtacit-dev" "$redis libtacit-redis-dev"; do
    grep -qx "\* Build-Depends-Package: ${package#* }" "$root/platform/packages/debian/${package% *}.symbols" ||
        fail "${package% *}.symbols does not name ${package#* }"
done

# Nobody has asked Debian to take them yet.
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$made"/tacit_*.changes

field() {
    dpkg-deb -f "$made/$1"_[0-9]*.deb "$2"
}
for package in "$runtime" libtacit-dev "$redis" libtacit-redis-dev tacit; do
    dpkg-deb -x "$made/$package"_[0-9]*.deb "$work/root"
    case $(field "$package" Depends) in
        *libsecret*) fail "$package depends on libsecret, which is loaded where it is there" ;;
    esac
done
case $(field "$runtime" Recommends) in
    *libsecret-1-0*) ;;
    *) fail "$runtime does not recommend libsecret-1-0" ;;
esac
case $(field tacit Recommends) in
    *xdg-utils*) ;;
    *) fail "tacit does not recommend xdg-utils, by which it opens a browser" ;;
esac
for file in usr/bin/tacit usr/share/man/man1/tacit.1.gz usr/share/bash-completion/completions/tacit \
    usr/share/man/man3/tacit_session.3.gz usr/share/doc/libtacit-dev/examples/quickstart.c \
    "usr/share/doc/$runtime/copyright" usr/include/tacit/tacit.hpp usr/share/man/man3/tacit_store_redis.3.gz; do
    [ -s "$work/root/$file" ] || fail "no package has $file"
done
zcat "$work/root/usr/share/man/man3/tacit_send.3.gz" | grep -q '^\.Nm tacit_send' ||
    fail "man tacit_send does not lead to its page"

# As on a system that has them: debian/tests/development, told where that is.
triplet=$(dpkg-architecture -q DEB_HOST_MULTIARCH)
export LD_LIBRARY_PATH="$work/root/usr/lib/$triplet" CMAKE_PREFIX_PATH="$work/root/usr"
export PKG_CONFIG_PATH="$work/root/usr/lib/$triplet/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/root"
export AUTOPKGTEST_TMP="$work/test"
"$work/root/usr/bin/tacit" --version
mkdir "$work/test"
(cd "$root" && sh platform/packages/debian/tests/development) >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "a project that uses the packages does not work"
}
echo "debian: $(cd "$made" && echo ./*.deb)"
