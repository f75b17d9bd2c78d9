#!/bin/sh
# Everything there is to check, on a bare Debian 12 or wherever the tools are:
#   sh tests/run.sh [PARTS [DIRECTORY]]
# PARTS are some of the parts below ("gcc package"), or all. Builds go to a fresh temporary directory
# that is removed at the end, or to DIRECTORY, which is kept. Stops at the first failure; the last line
# says "N passed, N failed", all configurations added up. A part that is named does all it can; where all
# run together the longest do less: each fifth mutant, the heart of the library under valgrind, shorter fuzzing.
#
# A part is a name in `parts`, a function run_NAME, and packages_NAME where it needs more than the
# others. One that only computes goes into `beside`: it takes what the tests leave of the processors,
# which mostly wait.
set -eu

parts="gcc clang asan tsan valgrind lint package packages e2e fuzz mutants model qt cxx firmware redis windows"
beside="lint model packages cxx fuzz qt windows"
packages="gcc g++ clang libclang-rt-14-dev binutils ca-certificates curl openssl nginx-light
    cmake ninja-build pkg-config libcurl4-openssl-dev libjansson-dev libssl-dev libsecret-1-dev
    libcmocka-dev libmicrohttpd-dev gnome-keyring libsecret-tools dbus
    libqrencode-dev mandoc libglib2.0-dev libuv1-dev
    libnghttp2-dev libidn2-dev librtmp-dev libssh2-1-dev libpsl-dev libkrb5-dev libldap-dev
    libzstd-dev libbrotli-dev zlib1g-dev" # the last two lines: what a static libcurl asks for
packages_valgrind="valgrind"
packages_lint="clang-tidy clang-format cppcheck"
packages_package="make" # the consumer's build
packages_packages="build-essential libhiredis-dev debhelper lintian abigail-tools doxygen mandoc python3"
packages_e2e="chromium mariadb-server-core mariadb-client-core redis-server"
packages_mutants="patch libhiredis-dev redis-server"
packages_model="spin"
packages_redis="libhiredis-dev redis-server iproute2"
packages_firmware="make libmbedtls-dev gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user mmdebstrap"
packages_windows="gcc-mingw-w64-x86-64-posix libz-mingw-w64-dev wine wine64 dpkg-dev make"
packages_qt="qt6-base-dev fonts-dejavu-core"
tools="gcc g++ clang clang++ clang-tidy clang-format cppcheck valgrind nm strip cmake ninja make patch \
nginx curl pkg-config \
openssl dbus-run-session gnome-keyring-daemon secret-tool spin mandoc node npm chromium \
mariadbd mariadb-install-db redis-server"

root=$(cd "$(dirname "$0")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 2)
side_by_side=$((2 * jobs)) # tests, which mostly wait
selected=${1:-all}
mutants_every=1
valgrind_more="|refusal|callbacks|browser|device_code|discovery|id_token|sign_in_async|sign_out|send_request\
|send_async_streams|send_form"
if [ "$selected" = all ]; then
    selected=$parts
    mutants_every=5
    valgrind_more=
    export TACIT_FUZZ_SECONDS="${TACIT_FUZZ_SECONDS:-5}"
fi
for part in $selected; do
    case " $parts " in
        *" $part "*) ;;
        *) echo "usage: sh tests/run.sh [all|\"$parts\" [DIRECTORY]]" >&2; exit 2 ;;
    esac
done
if [ -n "${2:-}" ]; then
    mkdir -p "$2"
    work=$(cd "$2" && pwd)
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/tacit-run.XXXXXX")
    temporary=$work
fi
beside_pid=
wine_began=
wineserver=/usr/lib/wine/wineserver64
leave() {
    [ -z "$wine_began" ] || "$wineserver" --kill 2>/dev/null || true # that of $WINEPREFIX
    if [ -n "$beside_pid" ]; then
        kill -s TERM -- "-$beside_pid" 2>/dev/null || true
        wait "$beside_pid" 2>/dev/null || true
    fi
    [ -z "${temporary:-}" ] || rm -rf "$temporary"
}
trap leave EXIT
trap 'exit 130' HUP INT TERM

passed=0
failed=0
summary=
part=setup
began=$(date +%s)

finish() {
    printf '%s\n%s passed, %s failed\n' "$summary" "$passed" "$failed"
}
fail() {
    [ "$failed" -gt 0 ] || failed=1
    summary="$summary
$part FAILED: $1"
    finish
    exit 1
}

# step WHAT COMMAND...: the command's output is shown where it fails.
step() {
    what=$1
    shift
    check_beside
    printf '%s: %s\n' "$part" "$what"
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log"
        fail "$what"
    }
}

# What runs beside: a script like this one in a session of its own, so that all of it can be ended.
begin_beside() {
    mkdir -p "$work/beside"
    rm -f "$work/beside/code"
    setsid nice -n 19 sh -c 'code=0; sh "$1" "$2" "$3" >"$3/output" 2>&1 || code=$?
        echo "$code" >"$3/code"' sh "$root/tests/run.sh" "$1" "$work/beside" &
    beside_pid=$!
}
# Fails where it has failed.
check_beside() {
    [ -n "$beside_pid" ] && [ -s "$work/beside/code" ] || return 0
    [ "$(cat "$work/beside/code")" -ne 0 ] || return 0
    cat "$work/beside/output"
    part=beside
    fail "$(sed -n 's/ FAILED: /: /p' "$work/beside/output" | tail -n 1)"
}
end_beside() {
    wait "$beside_pid" || true
    [ -s "$work/beside/code" ] || fail "it ended without a word"
    check_beside
    beside_pid=
    sed '$d' "$work/beside/output"
    passed=$((passed + $(sed -n '$s/ passed.*//p' "$work/beside/output")))
}

install_packages() {
    if ! command -v apt-get >/dev/null; then
        for tool in $tools; do
            command -v "$tool" >/dev/null || {
                echo "This is no Debian: please install $tools" \
                    "and the development files of libcurl, jansson, OpenSSL, libsecret, cmocka," \
                    "libmicrohttpd and zlib."
                fail "$tool is missing"
            }
        done
        return
    fi
    missing=
    wanted=$packages
    for part in $selected; do
        eval "wanted=\"$wanted \${packages_$part:-}\""
    done
    part=setup
    for package in $wanted; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    case " $selected " in
        *" e2e "*)
            # node may come from elsewhere and bring npm along, which Debian's npm would not like.
            command -v node >/dev/null || missing="$missing nodejs"
            command -v npm >/dev/null || missing="$missing npm" ;;
    esac
    [ -n "$missing" ] || return 0
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    step "apt-get update" $sudo apt-get update
    # shellcheck disable=SC2086
    step "apt-get install$missing" $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing
}

# There are some hundred programs to link.
quick_link=-DCMAKE_EXE_LINKER_FLAGS=
! command -v ld.gold >/dev/null || quick_link="$quick_link-fuse-ld=gold"

# configure NAME COMPILER OPTION...: warnings are errors.
configure() {
    name=$1
    compiler=$2
    shift 2
    step "configure $name" cmake -S "$root" -B "$work/$name" -G Ninja "$quick_link" \
        -DCMAKE_C_COMPILER="$compiler" -DTACIT_WERROR=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@"
}
build() {
    configure "$@"
    step "build $1" cmake --build "$work/$1" -j "$jobs"
}

# The sanitizers of this age do not cope with the most random address spaces.
without_randomness=
if setarch "$(uname -m)" -R true 2>/dev/null; then
    without_randomness="setarch $(uname -m) -R"
fi

# run NAME CTEST-OPTION...: the tests of a build, added to the count.
run() {
    name=$1
    shift
    check_beside
    printf '%s: ctest %s\n' "$part" "$*"
    code=0
    $without_randomness ctest --test-dir "$work/$name" -j "$side_by_side" --output-on-failure \
        --no-tests=error "$@" >"$work/log" 2>&1 || code=$?
    counts=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$work/log")
    bad=${counts% *}
    all=${counts#* }
    failed=$((failed + ${bad:-0}))
    passed=$((passed + ${all:-0} - ${bad:-0}))
    [ "$code" -eq 0 ] || {
        cat "$work/log"
        fail "ctest $*"
    }
}

# gcc optimises, as it is shipped; clang keeps the assertions.
build_gcc() {
    build gcc gcc -DCMAKE_BUILD_TYPE=Release
}
# build_clang [LAUNCHER]: valgrind does not read clang's newest debug information.
build_clang() {
    build clang clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-gdwarf-4 \
        "-DTACIT_TEST_LAUNCHER=${1:-}"
}

run_gcc() {
    build_gcc
    run gcc -LE "package|e2e|redis"
}
# What takes longer runs on clang's code in tsan and valgrind.
run_clang() {
    build_clang
    run clang -L "unit|fuzz|cxx"
}
run_asan() {
    build asan gcc -DCMAKE_BUILD_TYPE=Debug -DTACIT_SANITIZE=address,undefined
    # An absurd size is no memory, as malloc() says.
    export ASAN_OPTIONS="allocator_may_return_null=1"
    run asan -L "unit|integration|torture|fuzz|cxx"
}
run_tsan() {
    build tsan clang -DCMAKE_BUILD_TYPE=Debug -DTACIT_SANITIZE=thread
    # glib, behind libsecret, synchronises in ways that only an instrumented glib would show.
    export TSAN_OPTIONS="halt_on_error=1 ignore_noninstrumented_modules=1 \
allocator_may_return_null=1"
    # The command's threads are those of cli_interrupt; its other tests start some hundred processes.
    run tsan -L "unit|integration|stress|cxx" -E "integration_cli(|_profile|_provider|_documents)\$"
}
run_valgrind() {
    # Only what is lost for certain: the threads of glib and of a hanging store outlive main().
    launcher="valgrind;--quiet;--error-exitcode=99;--suppressions=$root/tests/support/valgrind.supp"
    launcher="$launcher;--leak-check=full;--show-leak-kinds=definite"
    launcher="$launcher;--errors-for-leak-kinds=definite"
    build_clang "$launcher"
    side_by_side=$jobs # they compute now
    # Ten times as slow: each unit, and the paths that most goes through; asan has them all.
    run clang -R "^unit_|^integration_(flight|rotation|journal_file|sign_in|send_async|send_file$valgrind_more)\$" \
        -E "unit_crypto\$"
    side_by_side=$((2 * jobs))
}
run_lint() {
    step "syntax for macOS" "$root/tests/darwin/check_syntax.sh" "$work/darwin"
    configure clang clang -DCMAKE_BUILD_TYPE=Debug
    step "clang-tidy" sh -c "cd '$root' && grep -o '\"file\": \"$root/\(src\|platform\)/[^\"]*' \
        '$work/clang/compile_commands.json' | cut -d'\"' -f4 |
        sort -u | xargs -P '$jobs' -n 4 clang-tidy -p '$work/clang' --quiet"
    # cppcheck does not read the libraries' headers; these loops it has to know. libsecret stays
    # loaded on purpose.
    cat >"$work/jansson.h" <<'END'
#define json_array_foreach(array, index, value) \
    for (index = 0; (value = json_array_get(array, index)) != NULL; index++)
#define json_object_foreach(object, key, value) \
    while (next_member(object, &key, &value))
END
    step "cppcheck" cppcheck -j "$jobs" --quiet --std=c11 --error-exitcode=1 --inline-suppr \
        --enable=warning,performance,portability --suppress=missingInclude \
        --include="$work/jansson.h" --library=posix --library=gnu --library=libcurl \
        --suppress="resourceLeak:*/store_libsecret_library.c" \
        -I "$root/include" -I "$root/src" -I "$root" \
        "$root/src" "$root/platform" "$root/include"
    step "clang-format" sh -c "cd '$root' && find include src platform examples tests -name '*.[ch]' |
        xargs clang-format --dry-run -Werror"
}
run_package() {
    build_gcc
    run gcc -L package
    build_clang
    run clang -L package
    step "size" "$root/tests/package/check_size.sh" "$work/gcc/libtacit.so"
    step "configure as a part of another project, static, without crypto and keyring" \
        cmake -S "$root/tests/package/consumer" -B "$work/embedded" \
        -DTACIT_SUBDIRECTORY="$root" -DBUILD_SHARED_LIBS=OFF -DTACIT_CRYPTO=none \
        -DTACIT_WITH_LIBSECRET=OFF -DTACIT_WERROR=ON
    step "build it" cmake --build "$work/embedded" -j "$jobs"
    step "run it" "$work/embedded/consumer"
}
# What people install, and read.
run_packages() {
    step "the recipes for vcpkg and Conan" "$root/tests/package/check_recipes.sh"
    step "build the Debian packages" env DEB_BUILD_OPTIONS="nocheck parallel=$jobs" \
        sh "$root/platform/packages/debian/build.sh" "$work/debian" -Pnocheck
    step "they install what works" "$root/tests/package/check_debian.sh" "$work/debian"
    set -- "$work"/debian/tacit-*/obj-*
    step "programs of the last release go on" "$root/tests/package/check_abi.sh" "$1/libtacit.so"
    step "manual pages" "$root/tests/package/check_man.sh" "$1/platform/packages/reference/man3"
    step "the reference by Doxygen, without a warning" cmake --build "$1" --target reference
}
# A real authorization server and a real browser; back-ends of apps. What npm installs stays out of
# the sources.
run_e2e() {
    mkdir -p "$work/npm"
    cp "$root/tests/e2e/package.json" "$root/tests/e2e/package-lock.json" "$work/npm"
    step "npm ci" sh -c "cd '$work/npm' && npm ci --ignore-scripts --no-audit --no-fund"
    rm -rf "$work/servers"
    cp -r "$root/tests/e2e/servers" "$work/servers"
    step "build the back-ends" sh -c "cd '$work/servers' && \
        npm ci --ignore-scripts --no-audit --no-fund && npm run build"
    configure gcc gcc -DCMAKE_BUILD_TYPE=Release "-DTACIT_E2E_MODULES=$work/npm/node_modules" \
        "-DTACIT_E2E_BACKENDS=$work/servers"
    step "build e2e" cmake --build "$work/gcc" -j "$jobs" --target e2e
    run gcc -L e2e
}
run_fuzz() {
    build fuzz clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTACIT_FUZZ=ON \
        -DTACIT_SANITIZE=address,undefined -DTACIT_BUILD_EXAMPLES=OFF \
        -DTACIT_FUZZ_SECONDS="${TACIT_FUZZ_SECONDS:-30}"
    run fuzz -L fuzz
}
run_mutants() {
    step "each mutant turns a test red" "$root/tests/mutants/check.sh" "$mutants_every" "$work/mutants" \
        -G Ninja "$quick_link" -DCMAKE_BUILD_TYPE=None -DTACIT_BUILD_EXAMPLES=OFF # nobody debugs them
}
# The tests of tacit.hpp run with the others; here it meets each standard and compiler.
run_cxx() {
    configure gcc gcc -DCMAKE_BUILD_TYPE=Release
    step "build the library" cmake --build "$work/gcc" -j "$jobs" --target tacit
    step "tacit.hpp in C++17, 20 and 23" "$root/tests/cxx/check_matrix.sh" "$work/gcc" "$jobs"
    step "clang-format" sh -c "cd '$root' && find include examples tests -name '*.[ch]pp' \
        -not -path '*/qt/*' | xargs clang-format --dry-run -Werror"
}
# The models of the protocol, searched through; the larger ones by hand: tests/model/check.sh long
run_model() {
    step "what holds holds, and each mutant is refuted" "$root/tests/model/check.sh" short "$jobs"
}

# The Qt classes and the desktop program, without a display; Qt's objects go in any order.
run_qt() {
    configure qt gcc -DCMAKE_BUILD_TYPE=Debug -DTACIT_BUILD_QT=ON \
        -DTACIT_SANITIZE=address,undefined
    step "build qt" cmake --build "$work/qt" -j "$jobs" --target qt
    run qt -L qt
}

# without NAME OPTION...: a build that leaves things out.
without() {
    name=$1
    shift
    build "$name" gcc -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O1 -DTACIT_BUILD_EXAMPLES=OFF \
        "-DTACIT_TESTS=(switches|unit_crypto|integration_store_file)\$" "$@"
    run "$name" -L "unit|integration"
    step "the symbols are the same" \
        "$root/tests/package/check_symbols.sh" "$work/$name/libtacit.so"
    step "it can be installed and used" "$root/tests/package/check_consumer.sh" "$work/$name" gcc
}
# The store in Redis: its library, and two processes and two machines that share a sign-in through it. What
# threads and memory could go wrong in it is also asan's and tsan's.
run_redis() {
    configure gcc gcc -DCMAKE_BUILD_TYPE=Release
    step "build redis" cmake --build "$work/gcc" -j "$jobs" --target redis
    run gcc -L redis
}
# What can be left out, and firmware for another processor; tests/firmware/build.sh has more of them.
run_firmware() {
    without requests -DTACIT_WITH_ASYNC=OFF -DTACIT_WITH_FILE_STORE=OFF -DTACIT_WITH_KEYCTL=OFF
    without sign_ins -DTACIT_WITH_BROWSER=OFF -DTACIT_WITH_DEVICE_CODE=OFF -DTACIT_WITH_DIALECTS=OFF \
        -DTACIT_CRYPTO=mbedtls
    tests="unit_(clock|crypto|journal|lifetime|process_lock|record|schedule|store_file)"
    tests="$tests|integration_(flight|rotation|year_2038|store_file|device_(code|daemon|offline)|send_async|switches)"
    step "build for armhf" sh "$root/tests/firmware/build.sh" armhf "$work/armhf" \
        "-DTACIT_TESTS=^($tests)\$"
    run armhf/build -L "unit|integration"
    step "it can be installed and used" sh -c '. "$1/environment"
        "$2/tests/package/check_consumer.sh" "$1/build" "$FIRMWARE_COMPILER --sysroot=$FIRMWARE_ROOT"' \
        sh "$work/armhf" "$root"
    step "library, heap and stacks" "$root/tests/firmware/measure.sh" "$work/armhf/build" \
        arm-linux-gnueabihf-strip qemu-arm -L "$work/armhf/root"
}

# The library and its tests on Windows, as far as wine carries; tests/windows/left_out.txt has the rest. What all
# programs share of wine is there before the first.
run_windows() {
    step "build for Windows" sh "$root/tests/windows/build.sh" "$work/windows"
    export WINEPREFIX="$work/wine"
    mkdir -p "$WINEPREFIX"
    wine_began=true
    step "start wine" "$wineserver" --persistent=60
    step "make its C:" env WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" /usr/lib/wine/wine64 wineboot --init
    run windows/build -L "unit|integration|windows"
    configure gcc gcc -DCMAKE_BUILD_TYPE=Release
    step "build the test server" cmake --build "$work/gcc" -j "$jobs" --target tacit-test-server
    step "what the DLL exports, what cannot be built, the quickstart" \
        sh "$root/tests/windows/check.sh" "$work/windows" "$work/gcc/tests/tacit-test-server"
    step "end wine" "$wineserver" --kill
    wine_began=
}

install_packages
now=$selected
if [ "$selected" = "$parts" ]; then
    now=
    for part in $parts; do
        case " $beside " in *" $part "*) ;; *) now="$now $part" ;; esac
    done
    begin_beside "$beside"
fi
for part in $now; do
    start=$(date +%s)
    "run_$part"
    summary="$summary
$part: $(($(date +%s) - start)) s"
done
[ -z "$beside_pid" ] || { part=beside; end_beside; }
summary="$summary
together: $(($(date +%s) - began)) s"
finish
