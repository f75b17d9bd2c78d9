#!/bin/sh
# Runs a program of Windows under wine:
#   wine.sh PROGRAM ARGUMENT...
# Its output comes when it has ended, from PROGRAM.output: wine's own services begin with whichever program is the first,
# and would hold a pipe of its open for as long as there are others.
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
export WINEDEBUG="${WINEDEBUG:--all}" WINEDLLOVERRIDES="mscoree,mshtml=" # nothing to download
code=0
"$wine" "$@" >"$1.output" 2>&1 || code=$?
tr -d '\r' <"$1.output" # which ends a line on Windows
exit "$code"
