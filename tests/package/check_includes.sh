#!/bin/sh
# Holds every #include against floors.txt, then plants one violation of each kind in a copy and
# expects each to be found.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
table=$root/tests/package/floors.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints "file:line: what"; a violation each.
violations() {
    (
        cd "$1"
        find include src platform -path platform/packages -prune -o \
            -name '*.[ch]' -print -o -name '*.hpp' -print | sort |
            xargs awk -v table="$table" '
        BEGIN {
            while ((getline line < table) > 0) {
                if (line ~ /^#/) continue
                split(line, column, /[ ]+/)
                rows++
                path[rows] = column[1]; own[rows] = column[2]; libraries[rows] = column[3]
            }
            system_headers = "^(assert|ctype|dirent|dlfcn|errno|fcntl|inttypes|limits|locale|malloc|math|poll|" \
                "pthread|sched|search|signal|spawn|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|" \
                "strings|time|unistd|(arpa|net|netinet|sys)/[a-z]+)\\.h$"
            public_headers = "^(stdbool|stddef|stdint)\\.h$"
        }
        FNR == 1 {
            row = 0
            for (i = 1; i <= rows && !row; i++) if (FILENAME ~ "^" path[i]) row = i
            if (!row) print FILENAME ":1: belongs to no floor"
        }
        row && /^[ \t]*#[ \t]*include/ {
            quoted = $0 ~ /include[ \t]*"/
            name = $0
            sub(/^[^"<]*["<]/, "", name); sub(/[">].*/, "", name)
            if (name ~ "^(" own[row] ")" && quoted == (name !~ /^tacit\//)) next
            if (!quoted && name ~ "^(" libraries[row] ")") next
            if (!quoted && name ~ (FILENAME ~ /^include/ ? public_headers : system_headers)) next
            print FILENAME ":" FNR ": may not include " name
        }'
    )
}

found=$(violations "$root")
if [ -n "$found" ]; then
    printf '%s\n' "$found" >&2
    echo "includes: tests/package/floors.txt forbids these" >&2
    exit 1
fi

# plant FILE LINE: in an otherwise empty tree.
planted=0
plant() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/include" "$work/tree/src" "$work/tree/platform" \
        "$work/tree/$(dirname "$1")"
    printf '%s\n' "$2" >"$work/tree/$1"
    if [ -z "$(violations "$work/tree")" ]; then
        echo "includes: '$2' in $1 was not noticed" >&2
        exit 1
    fi
    planted=$((planted + 1))
}
plant include/tacit/x.h '#include <curl/curl.h>'
plant include/tacit/x.h '#include <pthread.h>'
plant include/tacit/x.h '#include "base/buffer.h"'
plant include/tacit/cxx/x.hpp '#include <curl/curl.h>'
plant include/tacit/cxx/x.hpp '#include <pthread.h>'
plant src/base/x.c '#include "transport/url.h"'
plant src/base/x.c '#include <jansson.h>'
plant src/transport/x.c '#include "oauth/grant.h"'
plant src/oauth/x.c '#include <curl/curl.h>'
plant src/oauth/x.c '  #  include "session/session.h"'
plant src/session/x.c '#include "call/exchange.h"'
plant src/session/x.c '#include "sign_in/sign_in.h"'
plant src/session/x.c '#include "../call/exchange.h"'
plant src/session/x.c '#include <openssl/sha.h>'
plant src/sign_in/x.c '#include "call/exchange.h"'
plant src/call/x.c '#include "sign_in/sign_in.h"'
plant src/call/x.c '#include <jansson.h>'
plant platform/os_x.c '#include "base/buffer.h"'
plant platform/crypto_x.c '#include <openssl/sha.h>'
plant platform/store_x.c '#include "session/store.h"'
plant platform/store_x.c '#include <tacit/session.h>'
plant platform/store_x.c '#include <libsecret/secret.h>'
plant platform/store_libsecret.c '#include "platform/os.h"'
plant src/new_floor/x.c '#include <stddef.h>'
echo "includes: every file keeps to its floor; $planted planted violations were found"
