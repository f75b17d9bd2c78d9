#!/bin/sh
# Instructions per request, and the ratio to the loop written by hand.
#   bench_request.sh <bench_request> [mode ...]
set -eu
bench=$1
shift
[ $# -gt 0 ] || set -- transport transport-paths tacit tacit-paths
work=$(mktemp -d)
trap 'exec 3>&-; rm -rf "$work"' EXIT

mkfifo "$work/stop"
"$bench" serve <"$work/stop" >"$work/url" &
exec 3>"$work/stop"
while ! [ -s "$work/url" ]; do sleep 0.05; done
url=$(cat "$work/url")

instructions() { # mode, requests, token bytes
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" "$1" "$url" "$2" "$3" \
        2>&1 >/dev/null | sed -n 's/.*Collected : //p'
}
per_request() { # mode, token bytes
    few=$(instructions "$1" 200 "$2")
    many=$(instructions "$1" 1200 "$2")
    echo $(((many - few) / 1000))
}

for size in 64 1024; do
    hand=$(per_request hand $size)
    hand_paths=$(per_request hand-paths $size)
    printf '%-20s %5s B %8s\n%-20s %5s B %8s\n' hand $size "$hand" hand-paths $size "$hand_paths"
    for mode in "$@"; do
        case $mode in *-paths) base=$hand_paths ;; *) base=$hand ;; esac
        count=$(per_request "$mode" $size)
        printf '%-20s %5s B %8s %s\n' "$mode" $size "$count" \
            "$(awk "BEGIN { printf \"%.3f\", $count / $base }")"
    done
done
