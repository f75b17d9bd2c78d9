#!/bin/sh
# The stripped shared library stays small enough for a device: 128 KiB for what one process needs, 32 for
# the lock and journal between processes, the encrypted file store and the choice of a store, 44 for
# discovery, the ways of signing in and what goes on without its caller, 28 for many requests on one
# thread, files, forms and retries, 20 for servers that are not quite OAuth, 12 for the terms of a sign-in: when
# it ends, limits, how often a server is asked, 12 for the kernel's keyring, locks of a store's own and moves
# between stores.
#   check_size.sh LIBRARY
set -eu
limit=282624
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
size=$(wc -c <"$stripped")
[ "$size" -le $limit ] || { echo "size: $size bytes stripped, the limit is $limit" >&2; exit 1; }
echo "size: $size bytes stripped, of $limit"
