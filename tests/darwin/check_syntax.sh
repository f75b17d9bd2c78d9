#!/bin/sh
# Has clang read every source of a build for macOS, on both processors, against declarations of what a
# Mac has: what is left in them of another system does not pass. Neither a Mac nor its SDK is needed:
# the declarations are ours (include/, libc/) and have only what tacit may use. Then plants a few things
# that only Linux has, and expects each to be found.
#   check_syntax.sh BUILD_DIRECTORY [DIRECTORY...]
# The directories: other headers of a Mac's C library, instead of libc/ and include/sys.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
[ $# -ge 1 ] || { echo "usage: check_syntax.sh BUILD_DIRECTORY [DIRECTORY...]" >&2; exit 2; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
shift
jobs=$(nproc 2>/dev/null || echo 2)

# Which sources, and with what defined, CMake says.
cmake -S "$root" -B "$work/build" -DCMAKE_SYSTEM_NAME=Darwin -DCMAKE_C_COMPILER=clang \
    -DCMAKE_C_COMPILER_WORKS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DTACIT_BUILD_TESTS=OFF \
    -DTACIT_BUILD_EXAMPLES=OFF -DTACIT_BUILD_MAN=OFF >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
commands=$work/build/compile_commands.json
sed -n 's/.*"file": "\(.*\)".*/\1/p' "$commands" >"$work/sources"
sed -n 's/.*"command": "\(.*\)".*/\1/p' "$commands" | tr ' ' '\n' |
    grep -E "^-(D|I$root|std=)" | sort -u >"$work/flags"

# The libraries' headers, without those of this machine's C library beside them.
libraries=$work/libraries
rm -rf "$libraries"
mkdir -p "$libraries"
for header in curl/curl.h jansson.h jansson_config.h openssl/evp.h openssl/opensslconf.h; do
    found=$(printf '#include <%s>\n' "$header" | clang -E - 2>/dev/null |
        sed -n "s,^# 1 \"\(.*/$header\)\".*,\1,p" | head -n 1)
    [ -n "$found" ] || continue # jansson and OpenSSL had other ones
    case $header in
        */*) mkdir -p "$libraries/${header%/*}" && ln -sf "${found%/*}"/* "$libraries/${header%/*}/" ;;
        *) ln -sf "$found" "$libraries/" ;;
    esac
done

frameworks="-isystem $here/include"
headers="$frameworks -isystem $here/libc"
if [ $# -gt 0 ]; then
    rm -rf "$work/frameworks"
    mkdir -p "$work/frameworks"
    ln -s "$here/include/CoreFoundation" "$here/include/Security" "$work/frameworks/"
    headers="-Wno-nullability-completeness -isystem $work/frameworks"
    for directory; do headers="$headers -isystem $directory"; done
fi

# compile ARCHITECTURE SOURCE...
compile() {
    architecture=$1
    shift
    # shellcheck disable=SC2046,SC2086 # lists of flags
    printf '%s\n' "$@" | xargs -P "$jobs" -n 16 clang -target "$architecture-apple-macos12" \
        -fsyntax-only -Wall -Wextra -Werror $(cat "$work/flags") -nostdlibinc $headers \
        -isystem "$libraries"
}

for architecture in x86_64 arm64; do
    # shellcheck disable=SC2046 # no source has a space in its name
    compile "$architecture" $(cat "$work/sources")
done

# plant LINE: as a function's body, behind what a source includes.
planted=0
plant() {
    {
        printf '#include <%s>\n' fcntl.h pthread.h stdlib.h string.h sys/socket.h time.h unistd.h
        printf 'int planted(int fd);\nint planted(int fd) {\n    %s\n    return fd;\n}\n' "$1"
    } >"$work/planted.c"
    if compile x86_64 "$work/planted.c" >"$work/log" 2>&1; then
        echo "syntax: '$1' was not noticed" >&2
        exit 1
    fi
    planted=$((planted + 1))
}
plant 'int two[2]; pipe2(two, O_CLOEXEC);'
plant 'accept4(fd, NULL, NULL, 0);'
plant 'fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);'
plant 'if (secure_getenv("HOME")) fd++;'
plant 'pthread_condattr_t a; pthread_condattr_setclock(&a, CLOCK_MONOTONIC);'
plant 'struct timespec t; clock_gettime(CLOCK_BOOTTIME, &t);'
plant 'explicit_bzero(&fd, sizeof fd);'
plant 'fd = open(".", O_TMPFILE | O_RDWR, 0600);'
plant 'fdatasync(fd);'
plant 'pthread_setname_np(pthread_self(), "name");'
if [ $# -eq 0 ]; then # Linux' own macros would not be there either
    plant 'fd = (int)strlen(strchrnul("a", 0));'
fi

# What cannot be compiled shows with those, too: it has to be what was planted.
echo 'int fine(int fd); int fine(int fd) { return fd; }' >"$work/planted.c"
compile x86_64 "$work/planted.c"
echo "syntax: $(wc -l <"$work/sources") sources compile for macOS; $planted planted pieces of Linux" \
    "were found"
