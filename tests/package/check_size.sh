#!/bin/sh
# The stripped shared library stays small enough for a device.
#   check_size.sh LIBRARY
set -eu
limit=131072
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
size=$(wc -c <"$stripped")
[ "$size" -le $limit ] || { echo "size: $size bytes stripped, the limit is $limit" >&2; exit 1; }
echo "size: $size bytes stripped, of $limit"
