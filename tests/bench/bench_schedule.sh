#!/bin/sh
# Instructions to schedule one session's next refresh among 1,000 and among 10,000.
#   bench_schedule.sh <bench_schedule>
set -eu
bench=$1

instructions() { # sessions, times
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : //p'
}
each() { # sessions
    few=$(instructions "$1" 1000)
    many=$(instructions "$1" 21000)
    echo $(((many - few) / 20000))
}
echo "$(each 1000) $(each 10000)"
