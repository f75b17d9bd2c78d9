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

instructions() { # mode, requests, in the air, URL, CA file
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" "$1" "$4" "$2" "$3" \
        ${5:+"$5"} 2>&1 >/dev/null | sed -n 's/.*Collected : //p'
}
per_request() { # mode, in the air, URL, CA file
    few=$(instructions "$1" 1000 "$2" "$3" "${4:-}")
    many=$(instructions "$1" 3000 "$2" "$3" "${4:-}")
    echo $(((many - few) / 2000))
}
rows() { # what, in the air while instructions are counted, URL, CA file
    "$bench" compare "$3" ${4:+"$4"}
    tacit=$(per_request tacit "$2" "$3" "${4:-}")
    for mode in poll socket; do
        count=$(per_request $mode "$2" "$3" "${4:-}")
        case $mode in
            poll) name="curl_multi_poll()" ;;
            socket) name="epoll and curl_multi_socket_action()" ;;
        esac
        awk -v a="$tacit" -v b="$count" -v what="$1, $2 in the air" -v name="$name" 'BEGIN {
            printf "instructions per asynchronous GET, %s\t<= 1.00 of %s by hand\t%.3f (%d; %d)\t%s\n",
                what, name, a / b, a, b, a <= b ? "yes" : "NO" }'
    done
}
# How many connections libcurl opens for a burst beyond the streams of the first is a matter of luck,
# and each costs as much as a hundred requests: instructions are counted with one.
rows "HTTP/1.1" 256 "http://127.0.0.1:$(cat "$work/http")/api/notes"
rows "HTTP/2 with TLS" 100 "https://localhost:$(cat "$work/https")/api/notes" "$work/ca.pem"
