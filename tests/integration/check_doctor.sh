#!/bin/sh
# check_doctor.sh TACIT: what `tacit doctor` says of a healthy machine, of one without a keyring, of locks
# that are held for too long, and of a state directory that is open to others.
set -eu

tacit=$1
here=$(cd "$(dirname "$0")" && pwd)

. "$here/own_keyring.sh"
state=$HOME/.local/state/tacit
processes=
trap 'for each in $processes; do kill -KILL "$each" 2>/dev/null || :; done' EXIT

fail() {
    cat "$directory/output" "$directory/errors" >&2
    echo "FAILED: $1" >&2
    exit 1
}
# doctor CODE OPTION...: must end with the code, and say nothing where errors go unless it is 2.
doctor() {
    expected=$1
    shift
    code=0
    "$tacit" doctor "$@" >"$directory/output" 2>"$directory/errors" || code=$?
    [ "$code" -eq "$expected" ] || fail "doctor $* ended with $code instead of $expected"
    [ "$expected" -eq 2 ] || [ ! -s "$directory/errors" ] || fail "doctor $* complained"
}
says() {
    grep -q -- "$1" "$directory/output" || fail "it does not say \"$1\""
}
does_not_say() {
    ! grep -q -- "$1" "$directory/output" || fail "it says \"$1\""
}

echo "doctor: a healthy machine"
doctor 0
says "^ok       libcurl: .*TLS by "
says "^ok       clock: "
says "^ok       keyring: .* 4096 bytes"
says "^[a-z ]* kernel keyring: "
says "^ok       encrypted file: .* 4096 bytes"
says "^ok       default store: a new application has the system's keyring"
says "^No problem was found.$"
[ ! -e "$state" ] || fail "it left a state directory behind"
find "$HOME" -name '.tacit-doctor*' | grep -q . && fail "it left its own directory behind"
doctor 0 --application-id org.example.notes
says "default store: org.example.notes has the system's keyring"
[ ! -e "$state" ] || fail "it chose a store for the application"

echo "doctor: no keyring"
address=$DBUS_SESSION_BUS_ADDRESS
unset DBUS_SESSION_BUS_ADDRESS
doctor 1
says "^note     keyring: it does not work here"
says "^problem  default store: .*TACIT_STORE_KEY_FILE"
export TACIT_STORE_KEY_FILE="$HOME/a.key"
doctor 0
says "file's key: $HOME/a.key does not exist yet"
says "default store: a new application has files in .*, encrypted with the key in $HOME/a.key"
[ ! -e "$HOME/a.key" ] || fail "it made the key file"
printf 'not 32 bytes' >"$HOME/a.key"
chmod 600 "$HOME/a.key"
doctor 1
says "^problem  encrypted file: .*$HOME/a.key"
rm "$HOME/a.key"
unset TACIT_STORE_KEY_FILE
export DBUS_SESSION_BUS_ADDRESS="$address"

echo "doctor: locks"
mkdir -p -m 700 "$state"
umask 077
for name in busy stopped orphaned idle; do : >"$state/$name.journal"; done
hold() { # NAME: a process takes the journal's lock, and a child of it inherits it
    flock "$state/$1.journal" sh -c 'echo $$ >"$0"; exec sleep 100' "$directory/$1" &
    holder=$!
    tries=0
    until [ -s "$directory/$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || fail "the lock was not taken"
        sleep 0.1
    done
    child=$(cat "$directory/$1")
    processes="$processes $holder $child"
}
hold busy
busy=$holder
hold stopped
stopped=$holder
hold orphaned
parent=$holder
orphan=$child
kill -STOP "$stopped"
kill -KILL "$parent"
wait "$parent" 2>/dev/null || :
doctor 1
says "^note     lock: busy.journal is held by process $busy (flock); "
says "^problem  lock: stopped.journal is held by process $stopped (flock), which is stopped"
says "kill -CONT $stopped"
says "^problem  lock: orphaned.journal is held by process $orphan (sleep), an orphaned child"
says "kill $orphan"
does_not_say "idle.journal"
says "^2 problems were found.$"
for each in $processes; do kill -KILL "$each" 2>/dev/null || :; done
processes=
doctor 0 # nobody holds them any more

echo "doctor: a state directory that others may write to"
chmod 770 "$state"
chmod 644 "$state/idle.journal"
doctor 1
says "^problem  state directory: others may write to $state (mode 770)"
says "-> chmod 700 '$state'"
says "^problem  lock: idle.journal is open to others (mode 644)"
says "^problem  default store: .*$state"
chmod 700 "$state"
mkdir "$directory/other"
doctor 0 --state-dir "$directory/other"
says "^ok       state directory: $directory/other (mode 700"
[ -z "$(ls -A "$directory/other")" ] || fail "it left something in the other directory"
doctor 1 --state-dir /proc/nowhere
says "^problem  state directory: nothing can be made in /proc/nowhere"

echo "doctor: a clock that is behind"
cp "$tacit" "$directory/tacit"
touch -d "3 days" "$directory/tacit"
tacit=$directory/tacit
doctor 1
says "^problem  clock: "

echo "doctor: how it is called"
doctor 0 --help
says "Exit codes: "
doctor 2 --nonsense
grep -q -- "--nonsense" "$directory/errors" || fail "it does not name the unknown option"
[ ! -s "$directory/output" ] || fail "an unknown option is not only an error"
doctor 2 --state-dir
