#!/bin/sh
# Builds a release, runs every benchmark, and prints one table: what, target, measured, met, command.
#   run.sh [build directory]        kept for the next time; without it a temporary one
# Nothing here fails for being slow: the numbers are for a person, on a machine that is quiet.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
build=${1:-$work/build}
server_pid=
stop() {
    exec 3>&-
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM

cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DTACIT_BUILD_EXAMPLES=OFF >/dev/null
cmake --build "$build" --parallel 2 >/dev/null
bench=$build/tests

# Servers, in processes of their own: one that scripts can steer, one that costs next to nothing.
"$bench/tacit-test-server" --record-limit 0 --max-seconds 3600 --port-file "$work/port" >/dev/null &
server_pid=$!
mkfifo "$work/stop"
"$bench/bench_request" serve <"$work/stop" >"$work/url" &
exec 3>"$work/stop"
while ! [ -s "$work/port" ] || ! [ -s "$work/url" ]; do sleep 0.05; done
server=http://127.0.0.1:$(cat "$work/port")

row() { # what, target, measured, whether it is met, command
    printf '%s\t%s\t%s\t%s\t%s\n' "$@"
}
at_most() { # number, limit
    awk "BEGIN { print $1 <= $2 ? \"yes\" : \"NO\" }"
}
rows_of() { # a program that prints its own rows, and how to write its arguments down
    program=$1 argument=${2:-} shown=${3:-}
    "$bench/$program" ${argument:+"$argument"} | while IFS= read -r line; do
        printf '%s\ttests/bench/%s%s\n' "$line" "$program" "${shown:+ $shown}"
    done
}

instructions() {
    "$source/tests/bench/bench_request.sh" "$bench/bench_request" tacit tacit-paths >"$work/requests"
    while read -r mode size _ count ratio; do
        limit=
        case $mode/$size in
        tacit/64) limit=0.90 ;;
        tacit/1024) limit=0.95 ;;
        tacit-paths/*) limit=1.00 ;;
        esac
        [ -n "$limit" ] || continue
        what="instructions per GET, $size B token"
        case $mode in *-paths) what="$what, changing path" ;; esac
        row "$what" "<= $limit of libcurl by hand" "$ratio ($count)" "$(at_most "$ratio" "$limit")" \
            "tests/bench/bench_request.sh tests/bench_request $mode"
    done <"$work/requests"
}
many() {
    "$source/tests/bench/bench_multi.sh" "$bench/bench_multi" | while IFS= read -r line; do
        printf '%s\ttests/bench/bench_multi.sh tests/bench_multi\n' "$line"
    done
}
schedule() {
    # log(10,000) / log(1,000) is 1.33; a cost that grows with n would show as 10
    # shellcheck disable=SC2046
    set -- $("$source/tests/bench/bench_schedule.sh" "$bench/bench_schedule")
    ratio=$(awk "BEGIN { printf \"%.2f\", $2 / $1 }")
    row "scheduling among 10,000 sessions" "<= 1.34 of 1,000 (log n)" \
        "$ratio ($2 instructions; $1)" "$(at_most "$ratio" 1.34)" \
        "tests/bench/bench_schedule.sh tests/bench_schedule"
}
size() {
    strip -o "$work/stripped" "$build/libtacit.so"
    bytes=$(wc -c <"$work/stripped")
    row "stripped shared library" "<= 282624 bytes" "$bytes" "$(at_most "$bytes" 282624)" \
        "strip -o s libtacit.so; wc -c s"
}

{
    row what target measured met command
    instructions
    many
    rows_of bench_throughput "$server" "URL of tacit-test-server"
    rows_of bench_token
    rows_of bench_storm "$server" "URL of tacit-test-server"
    rows_of bench_storm_async "$server" "URL of tacit-test-server"
    rows_of bench_cancel "$server" "URL of tacit-test-server"
    rows_of bench_steady "$server" "URL of tacit-test-server"
    rows_of bench_sessions
    rows_of bench_cold_start "$server" "URL of tacit-test-server"
    rows_of bench_stores
    schedule
    size
    rows_of bench_memory "$(cat "$work/url")" "URL of bench_request serve"
} >"$work/table"
# column(1) is not everywhere
awk -F '\t' '
    { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
    END {
        for (r = 1; r <= NR; r++) {
            for (i = 1; i < 5; i++) printf "%-*s  ", width[i], cell[r, i]
            print cell[r, 5]
        }
    }' "$work/table"
