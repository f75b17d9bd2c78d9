#!/bin/sh
# Asynchronous requests against loops written by hand, in rows of a table: requests per second, and
# instructions per request. HTTP/1.1 and HTTP/2 with TLS. Needs nginx, openssl and valgrind.
#   bench_multi.sh <bench_multi>
set -eu
bench=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
stop() {
    [ ! -s "$work/pid" ] || kill "$(cat "$work/pid")" 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM
sh "$here/../support/nginx.sh" "$work"

instructions() { # mode, requests, URL, CA file
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" "$1" "$3" "$2" ${4:+"$4"} \
        2>&1 >/dev/null | sed -n 's/.*Collected : //p'
}
per_request() { # mode, URL, CA file
    few=$(instructions "$1" 1000 "$2" "${3:-}")
    many=$(instructions "$1" 3000 "$2" "${3:-}")
    echo $(((many - few) / 2000))
}
rows() { # what, URL, CA file
    "$bench" compare "$2" ${3:+"$3"}
    tacit=$(per_request tacit "$2" "${3:-}")
    for mode in poll socket; do
        count=$(per_request $mode "$2" "${3:-}")
        case $mode in
            poll) name="curl_multi_poll()" ;;
            socket) name="epoll and curl_multi_socket_action()" ;;
        esac
        awk -v a="$tacit" -v b="$count" -v what="$1" -v name="$name" 'BEGIN {
            printf "instructions per asynchronous GET, %s\t<= 1.00 of %s by hand\t%.3f (%d; %d)\t%s\n",
                what, name, a / b, a, b, a <= b ? "yes" : "NO" }'
    done
}
rows "HTTP/1.1" "http://127.0.0.1:$(cat "$work/http")/api/notes"
rows "HTTP/2 with TLS" "https://localhost:$(cat "$work/https")/api/notes" "$work/ca.pem"
