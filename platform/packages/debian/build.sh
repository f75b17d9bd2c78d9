#!/bin/sh
# Builds Debian's source and binary packages of this tree, unsigned:
#   build.sh DIRECTORY [OPTION...]
# They come to DIRECTORY, with the sources that they were built from; the options are dpkg-buildpackage's.
# DEB_BUILD_OPTIONS=nocheck leaves out the tests, and with "-Pnocheck -d" what they need.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
[ -n "${1:-}" ] || { echo "usage: build.sh DIRECTORY [OPTION...]" >&2; exit 2; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
shift

version=$(dpkg-parsechangelog -l "$here/changelog" -S Version | sed 's/-[^-]*$//')
stated=$(sed -n 's/^#define TACIT_VERSION_[A-Z]* //p' "$root/include/tacit/client.h" | paste -sd.)
[ "$version" = "$stated" ] || {
    echo "debian/changelog says $version, client.h $stated: begin a new entry, dch -v $stated-1" >&2
    exit 1
}

# The same archive for the same tree, whoever makes it.
sources=tacit-$version
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$here/changelog" -S Timestamp)
rm -rf "${work:?}/$sources"
tar -C "$root" --transform "s,^,$sources/," --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
    --owner=0 --group=0 --numeric-owner --mode=go=rX,u+w \
    --exclude=node_modules --exclude=tests/e2e/servers/dist --exclude=__pycache__ \
    -cJf "$work/tacit_$version.orig.tar.xz" \
    .clang-format .clang-tidy CHANGELOG.md CMakeLists.txt CONTRIBUTING.md LICENSE README.md \
    examples include platform src tests
tar -C "$work" -xf "$work/tacit_$version.orig.tar.xz"
cp -R "$here" "$work/$sources/debian"

cd "$work/$sources"
exec dpkg-buildpackage -us -uc "$@"
