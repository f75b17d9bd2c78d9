# To be sourced first by a script with arguments that has its own directory in $here: starts it over in
# a keyring session of the test's own, which nothing of the user's reaches. From then on $directory is
# the test's, and removed in the end.
if [ -z "${TACIT_TEST_DIRECTORY:-}" ]; then
    TACIT_TEST_DIRECTORY=$(mktemp -d "${TMPDIR:-/tmp}/tacit-test.XXXXXX")
    export TACIT_TEST_DIRECTORY
    trap 'rm -rf "$TACIT_TEST_DIRECTORY"' EXIT
    trap 'exit 130' HUP INT TERM
    unset XDG_STATE_HOME TACIT_STORE_KEY_FILE CREDENTIALS_DIRECTORY
    sh "$here/../../examples/demo/keyring.sh" "$TACIT_TEST_DIRECTORY" sh "$0" "$@"
    exit 0
fi
directory=$TACIT_TEST_DIRECTORY
