#!/bin/bash
# check_cli_documents.sh TACIT: the man page is well-formed and knows every command, option and exit
# code that --help knows; the completion answers them, and the names of sign-ins.
set -eu

tacit=$1
here=$(cd "$(dirname "$0")/../../examples/cli" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/tacit-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset XDG_CONFIG_HOME
export HOME=$work

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

# ---------------------------------------------------------------- the man page
if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "$here/tacit.1" >"$work/lint" 2>&1 || { cat "$work/lint"; fail "mandoc"; }
    mandoc -Tascii "$here/tacit.1" | sed 's/.\x08//g' >"$work/page"
else
    echo "cli documents: no mandoc here, so the man page is only compared" >&2
    sed 's/^\.It Fl -/ --/; s/, -/, --/; s/\\//g' "$here/tacit.1" >"$work/page"
fi
commands=$("$tacit" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p')
[ "$(echo "$commands" | wc -l)" -eq 9 ] || fail "there are other commands: $commands"
options=0
for command in $commands; do
    grep -q "tacit $command" "$work/page" || fail "the page has no command $command"
    for option in $("$tacit" "$command" --help | grep -o -- '^  [-A-Za-z, ]*--[a-z-]*' | grep -o -- '--[a-z-]*'); do
        grep -q -- "$option\>" "$work/page" || fail "the page has no option $option of $command"
        options=$((options + 1))
    done
done
[ "$options" -gt 40 ] || fail "only $options options were compared"
"$tacit" --help | sed -n 's/^ *\([0-9][0-9]*\)  .*/\1/p' >"$work/codes"
sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It \([0-9]*\)$/\1/p' "$here/tacit.1" >"$work/page-codes"
cmp "$work/codes" "$work/page-codes" || fail "the exit codes are others than those of --help"

# ---------------------------------------------------------------- the examples
for provider in "$here"/../providers/*.json; do
    "$tacit" provider check "$provider" >"$work/provider" || fail "$provider cannot be used"
    grep -q '^answers ' "$work/provider" || fail "$provider is not explained"
done

# ---------------------------------------------------------------- the completion
mkdir -p "$work/.config/tacit" "$work/bin"
: >"$work/.config/tacit/default.json"
: >"$work/.config/tacit/work.json"
: >"$work/.config/tacit/.work.json.x1y2z3"
ln -s "$tacit" "$work/bin/tacit"
PATH=$work/bin:$PATH
# shellcheck source=/dev/null
. "$here/tacit.bash"
completes() { # EXPECTED WORD...: the last word is the one that is completed
    local expected=$1
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _tacit tacit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    [ "${COMPREPLY[*]}" = "$expected" ] ||
        fail "\"$*\" completes to \"${COMPREPLY[*]}\" instead of \"$expected\""
}
complete -p tacit | grep -q _tacit || fail "it is not registered"
completes "login logout" tacit lo
completes "request refresh" tacit re
completes "--help --version" tacit --
completes "default work" tacit token ""
completes "work" tacit logout w
completes "work" tacit request --name w
completes "--min-valid" tacit token --m
completes "--client-id --client-credentials --client-secret-file" tacit login --cl
completes "keyring kernel" tacit login https://id.example.com --store k
completes "$work/bin/tacit" tacit login --provider "$work/bin/t"
completes "" tacit login --client-id w
completes "move" tacit store ""
completes "work" tacit store move w
completes "keyring kernel" tacit store move work --to k
completes "--name --from --to --help" tacit store move --
completes "check" tacit provider c
completes "$work/bin/tacit" tacit provider check "$work/bin/t"
completes "$work/bin/tacit" tacit provider check p.json --answer "$work/bin/t"
completes "sign-in" tacit provider check p.json --kind s
completes "--answer" tacit provider check p.json --a
completes "--application-id" tacit doctor --a
