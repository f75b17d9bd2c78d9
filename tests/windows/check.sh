#!/bin/sh
# What of a build for Windows is not for ctest: that the DLL exports what it says, that what is said not to be built cannot
# be, and that examples/quickstart.c runs there against a server that runs here.
#   check.sh DIRECTORY SERVER    as build.sh has it; tacit-test-server of this system
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(cd "$1" && pwd)
server=$2
export LC_ALL=C PKG_CONFIG_LIBDIR="$work/root/lib/pkgconfig" WINDOWS_ROOT="$work/root"

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

x86_64-w64-mingw32-objdump -p "$work/build/libtacit.dll" |
    sed -n '/\[Ordinal\/Name Pointer\] Table/,/^$/s/^[[:space:]]*\[ *[0-9]*\] //p' | sort >"$work/exported"
sort "$root/tests/package/symbols.txt" | diff - "$work/exported" || fail "the DLL exports something else"

# One that this build has no target for is no test of what is built.
cmake --build "$work/build" --target help | sed -n 's/: phony$//p' | sort >"$work/targets"
awk '/^[a-z]/ && $3 == "not_built" { print $1 }' "$here/left_out.txt" | sort |
    comm -12 - "$work/targets" >"$work/not_built"
[ -s "$work/not_built" ] || fail "nothing is listed that cannot be built"
# shellcheck disable=SC2046
cmake --build "$work/build" --target $(cat "$work/not_built") -- -k 0 >"$work/log" 2>&1 || true
! grep "unknown target" "$work/log" || fail "it was not tried"
while read -r target; do
    [ ! -e "$work/build/tests/$target.exe" ] || fail "$target can be built, and is listed as one that cannot"
done <"$work/not_built"

cmake --install "$work/build" >"$work/log"
# shellcheck disable=SC2046
x86_64-w64-mingw32-gcc-posix -O1 -static "$root/examples/quickstart.c" -o "$work/quickstart.exe" \
    $(pkg-config --cflags --libs --static tacit)
cat >"$work/quickstart" <<END
#!/bin/sh
exec sh "$here/wine.sh" "$work/quickstart.exe" "\$@"
END
chmod +x "$work/quickstart"
# The keyring is Windows', so that it needs none of this system's.
rm -rf "$work/quickstart.directory"
mkdir "$work/quickstart.directory"
TACIT_TEST_DIRECTORY="$work/quickstart.directory" \
    sh "$root/tests/integration/check_quickstart.sh" "$server" "$work/quickstart"
