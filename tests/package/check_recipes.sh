#!/bin/sh
# The vcpkg port and the Conan recipe, as far as that can be told without vcpkg and Conan: they are read, name
# only options that the build has, and have its version; so has the changelog.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
recipes=$root/tests/package/recipes
packages=$root/platform/packages
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

version=$(sed -n 's/^#define TACIT_VERSION_[A-Z]* //p' "$root/include/tacit/client.h" | paste -sd.)
grep -q "^## \(.* \)*$version\( .*\)*\$" "$root/CHANGELOG.md" || { echo "CHANGELOG.md has no $version" >&2; exit 1; }
python3 -B - "$packages/vcpkg/vcpkg.json" "$root/include/tacit/client.h" "$packages/vcpkg/portfile.cmake" <<'END_OF_CHECK'
import json, re, sys

with open(sys.argv[1], encoding="utf-8") as file:
    port = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    version = ".".join(re.findall(r"_(?:MAJOR|MINOR|PATCH) (\d+)", file.read()))
known = {"name", "version", "description", "license", "supports", "dependencies", "default-features", "features"}
assert set(port) <= known, set(port) - known
assert port["version"] == version, f"vcpkg.json says {port['version']}, not {version}"
for name in port["default-features"]:
    name = name if isinstance(name, str) else name["name"]
    assert name in port["features"], f"no feature {name}"
with open(sys.argv[3], encoding="utf-8") as file:
    portfile = file.read()
for name, feature in port["features"].items():
    assert set(feature) <= {"description", "supports", "dependencies"} and feature["description"]
    assert re.search(rf"\b{name}\b", portfile), f"portfile.cmake knows no feature {name}"
END_OF_CHECK
# configures FEATURES CRYPTO [mingw]
configures() {
    rm -rf "$work/vcpkg"
    cmake "-DPORT=$packages/vcpkg" "-DWORK=$work/vcpkg" "-DFEATURES=$1" "-DVCPKG_TARGET_IS_MINGW=${3:+ON}" \
        -P "$recipes/vcpkg.cmake" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    [ -s "$work/vcpkg/packages/share/tacit/LICENSE" ] || { echo "vcpkg: no copyright" >&2; exit 1; }
    grep -q "^TACIT_CRYPTO:[A-Z]*=$2\$" "$work/vcpkg/buildtrees/CMakeCache.txt" ||
        { echo "vcpkg: tacit[$1] is not built with $2" >&2; exit 1; }
}
configures "openssl;keyring;redis" openssl
configures "mbedtls;tool" mbedtls
configures "" none
configures "" bcrypt mingw
echo "vcpkg: the port configures the tree"

python3 -B "$recipes/conan.py" "$packages/conan/conanfile.py" "$root/CMakeLists.txt" "$root/include/tacit/client.h"
python3 -B -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$packages/conan/test_package/conanfile.py"
