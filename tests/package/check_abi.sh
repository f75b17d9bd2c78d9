#!/bin/sh
# A library can take the place of the last release's: nothing that programs were compiled against is gone, or
# has another size, place or number. Additions are fine.
#   check_abi.sh LIBRARY     made by gcc, with debug information
#   check_abi.sh --renew     at a release: what the headers say becomes the baseline; where programs of the last
#                            release would break, only with another SONAME
# The baseline holds for gcc on amd64; elsewhere nothing is compared.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
abi=$root/tests/package/abi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case $(gcc -dumpmachine) in
    x86_64-*linux-gnu) ;;
    *) echo "abi: not compared: the baseline's sizes are those of amd64"; exit 0 ;;
esac

soname=libtacit.so.$(sed -n 's/^set(soversion \([0-9]*\))$/\1/p' "$root/CMakeLists.txt")
baseline=$abi/libtacit.abi

# interface_of INCLUDE LIBRARY: a library of what headers say, without an inside.
interface_of() {
    for header in client error provider request session sign_in store; do
        echo "$1/tacit/$header.h"
    done | xargs python3 -B "$abi/interface.py" "$root/platform/packages/reference" >"$work/interface.c"
    (cd "$work" && gcc -g -shared -fPIC -Wl,-soname,"$soname" -I "$1" -o "$2" interface.c)
}
# describe LIBRARY FILE
describe() {
    abidw --no-corpus-path --no-comp-dir-path --short-locs --no-elf-needed --no-parameter-names \
        --type-id-style hash --out-file "$2" "$1"
}
# compatible EARLIER LATER; what is not is in $work/report.
compatible() {
    code=0
    abidiff --leaf-changes-only --no-added-syms "$1" "$2" >"$work/all" 2>&1 || code=$?
    [ $((code & 3)) -eq 0 ] || { cat "$work/all" >&2; echo "abi: abidiff failed" >&2; exit 1; }
    awk -f "$abi/incompatible.awk" "$work/all" >"$work/report"
    [ ! -s "$work/report" ]
}

if [ "$1" = --renew ]; then
    interface_of "$root/include" "$work/interface"
    if [ -e "$baseline" ] && grep -q "soname='$soname'" "$baseline" &&
            ! compatible "$baseline" "$work/interface"; then
        cat "$work/report" >&2
        echo "abi: programs of the last release would break, and load $soname: raise soversion in CMakeLists.txt" >&2
        exit 1
    fi
    describe "$work/interface" "$baseline"
    echo "abi: tests/package/abi/libtacit.abi is the interface of now"
    exit 0
fi

readelf -S "$1" | grep -q '\.debug_info' || { echo "abi: $1 has no debug information" >&2; exit 1; }
compatible "$baseline" "$1" || {
    cat "$work/report" >&2
    echo "abi: programs of the last release would break; CONTRIBUTING.md, \"Release\", says what to do" >&2
    exit 1
}

# plant may|must-not FILE SED-SCRIPT: the library against an earlier interface that differs from today's.
library=$1
planted=0
plant() {
    rm -rf "$work/include"
    cp -r "$root/include" "$work/include"
    sed -i "$3" "$work/include/tacit/$2"
    ! cmp -s "$work/include/tacit/$2" "$root/include/tacit/$2" || { echo "abi: '$3' does nothing" >&2; exit 1; }
    interface_of "$work/include" "$work/earlier"
    describe "$work/earlier" "$work/earlier.abi"
    answer=may
    compatible "$work/earlier.abi" "$library" || answer=must-not
    [ "$answer" = "$1" ] || { cat "$work/all"; echo "abi: '$3' in an earlier $2: $answer" >&2; exit 1; }
    planted=$((planted + 1))
}
plant must-not request.h 's/^TACIT_API void tacit_call_cancel(/TACIT_API void tacit_call_hurry(tacit_call *call);\n&/'
plant must-not session.h 's/int min_valid_s, int timeout_ms,/int64_t min_valid_s, int timeout_ms,/'
plant must-not request.h 's/(\*tacit_done_fn)(tacit_call \*call, /(*tacit_done_fn)(/'
plant must-not client.h 's/int connect_timeout_ms;/int64_t connect_timeout_ms;/'
plant must-not client.h '/const char \*ca_pem;/d'
plant must-not store.h 's/const char \*lock_directory;/& const char *more;/'
plant must-not store.h 's/bool process_only;/unsigned process_only;/'
plant must-not error.h 's/char message\[384\]/char message[320]/'
plant must-not error.h 's/TACIT_ERR_TLS = 21/TACIT_ERR_TLS = 29/'
plant must-not error.h 's/TACIT_ERR_TLS = 21,/& TACIT_ERR_DNS = 29,/'
plant may request.h '/^TACIT_API tacit_status tacit_get(/,/;/d'
plant may client.h '/^    void (\*release)(void \*release_data);/,/^    void \*release_data;/d'
plant may error.h 's/TACIT_ERR_STORE_FAILED = 65//'
echo "abi: compatible with the last release; $planted planted differences were judged as they should"
