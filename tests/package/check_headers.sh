#!/bin/sh
# Each public header compiles alone as C99 and as C++11, without a warning; so does a program that
# uses every TACIT_..._INIT macro, and each sets struct_size and nothing else.
#   check_headers.sh COMPILER...     (gcc or clang; the C++ compiler is taken from beside it)
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cxx_of() {
    case $1 in
        *clang*) printf '%s' "$1" | sed 's/clang/clang++/' ;;
        *gcc*) printf '%s' "$1" | sed 's/gcc/g++/' ;;
        *cc) printf '%s' "$1" | sed 's/cc$/c++/' ;;
        *) echo "check_headers: no C++ compiler known beside $1" >&2; exit 1 ;;
    esac
}

{
    printf '#include <tacit/tacit.h>\n#include <tacit/redis.h>\n#include <string.h>\n'
    printf '#define CHECK(type, init) { type a = init; type b; memset(&b, 0, sizeof b); \\\n'
    printf '    memcpy(&b, &a, sizeof a.struct_size); \\\n'
    printf '    if (a.struct_size != sizeof a || memcmp(&a, &b, sizeof a) != 0) return 1; }\n'
    printf 'int main(void) {\n'
    sed -n 's/^#define \(TACIT_[A-Z_]*_INIT\) TACIT_INIT(\([a-z_]*\))$/    CHECK(\2, \1)/p' \
        "$root"/include/tacit/*.h
    printf '    { tacit_error a = TACIT_ERROR_INIT; if (a.status != TACIT_OK) return 1; }\n'
    printf '    return 0;\n}\n'
} >"$work/init.c"
macros=$(grep -hoE '^#define TACIT_[A-Z_]+_INIT' "$root"/include/tacit/*.h | sort -u | wc -l)
used=$(grep -c '_INIT' "$work/init.c")
[ "$macros" -eq "$used" ] || { echo "check_headers: $macros macros, $used used" >&2; exit 1; }

for cc in "${@:-cc}"; do
    cxx=$(cxx_of "$cc")
    c99="$cc -std=c99 -x c"
    cxx11="$cxx -std=c++11 -x c++"
    for compile in "$c99" "$cxx11"; do
        compile="$compile -Wall -Wextra -Wpedantic -Werror -I$root/include"
        for header in "$root"/include/tacit/*.h; do
            $compile -fsyntax-only -include "$header" /dev/null
        done
        $compile -o "$work/init" "$work/init.c"
        "$work/init"
    done
    echo "headers: $cc and $cxx are content"
done
